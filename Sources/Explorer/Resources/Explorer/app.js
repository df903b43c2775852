// The explorer of a report: reads the records beside it and shows them. It asks no server for anything: records are scripts
// (files/data) or blocks of this page, pictures are files beside it or data of this page. All texts from outside become text
// nodes, never markup.
"use strict";
(() => {
  // ------------------------------------------------------------------ Elements
  const byId = (id) => document.getElementById(id);

  function fill(element, properties, children) {
    for (const [key, value] of Object.entries(properties || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "style") for (const [name, style] of Object.entries(value)) element.style.setProperty(name, style);
      else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value === true ? "" : String(value));
    }
    for (const child of children.flat(9)) {
      if (child === null || child === undefined || child === false) continue;
      element.append(child instanceof Node ? child : String(child));
    }
    return element;
  }
  const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
  const s = (tag, properties, ...children) =>
    fill(document.createElementNS(byId("drawing").namespaceURI, tag), properties, children);

  // ------------------------------------------------------------------ Texts
  /// Two digits, a real minus sign, and never a negative zero.
  function fixed(value, digits = 2) {
    const text = Math.abs(value).toFixed(digits);
    return (value < 0 && Number(text) !== 0 ? "\u2212" : "") + text;
  }
  const signed = (value, digits = 2) => (value > 0 && Number(fixed(value, digits)) !== 0 ? "+" : "") + fixed(value, digits);
  const percent = (share, digits = 1) => fixed(100 * share, digits) + "\u00a0%";
  const plural = (count, one, many) => `${count}\u00a0${count === 1 ? one : many || one + "s"}`;
  const shorten = (text, limit) => (text.length > limit ? text.slice(0, limit - 1) + "\u2026" : text);
  /// A name from outside: isolated from the direction of the text around it, cut where it is endless.
  function named(text, limit = 70) {
    const plain = text.replace(/[\s\u0000-\u001f\u007f]+/g, " ").trim() || "(no name)";
    return h("bdi", { title: plain.length > limit ? plain : null }, shorten(plain, limit));
  }
  /// The same where only text can stand; what runs from the right is isolated by characters.
  function plain(text, limit = 70) {
    const result = shorten(text.replace(/[\s\u0000-\u001f\u007f]+/g, " ").trim() || "(no name)", limit);
    return /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufefc]/.test(result) ? `\u2068${result}\u2069` : result;
  }
  const classOf = (label, limit) => named(model.class_names[label], limit);
  const classText = (label, limit) => plain(model.class_names[label], limit);

  // ------------------------------------------------------------------ Records
  let model;
  const files = new Map();
  const waiting = new Map();

  globalThis.infodisent = (name, value) => {
    const promise = waiting.get(name);
    if (promise) promise.resolve(value);
  };

  /// A record by its name, read once.
  function load(name) {
    if (files.has(name)) return files.get(name);
    const promise = new Promise((resolve, reject) => {
      const block = document.querySelector(`script[data-name="${name}"]`);
      if (block) return resolve(JSON.parse(block.textContent));
      if (document.querySelector("script[data-name]")) return reject(new Error(`${name} is not part of this page`));
      waiting.set(name, { resolve });
      const script = h("script", { src: `files/data/${name}.js` });
      script.addEventListener("error", () => reject(new Error(`files/data/${name}.js cannot be read`)));
      script.addEventListener("load", () => script.remove());
      document.head.append(script);
    });
    files.set(name, promise);
    return promise;
  }

  function bytes(text) {
    const raw = atob(text);
    const result = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) result[i] = raw.charCodeAt(i);
    return result.buffer;
  }
  const floats = (text) => new Float32Array(bytes(text));

  async function channelRecord(channel) {
    if (!known.has(channel)) return null;
    const list = await load(`channels-${Math.floor(channel / model.layout.channels_per_piece)}`);
    return list.find((record) => record.channel === channel) || null;
  }
  async function classRecord(label) {
    if (!model.classes.length) return null;
    const list = await load(`classes-${Math.floor(label / model.layout.classes_per_piece)}`);
    return list.find((record) => record.label === label) || null;
  }
  const pictureCache = new Map();
  function picture(name) {
    if (!/^[a-z0-9-]+$/.test(name)) return "data:,";
    if (!pictureCache.has(name)) {
      const block = document.querySelector(`script[data-name="picture-${name}"]`);
      pictureCache.set(
        name, block ? "data:image/webp;base64," + JSON.parse(block.textContent) : `files/images/${name}.webp`);
    }
    return pictureCache.get(name);
  }

  // ------------------------------------------------------------------ Sums
  // The program's own sums: weights are numbers of single precision, also after an edit; products are added up in double.
  let weights;
  let width;

  async function classifier() {
    if (weights) return;
    const count = model.class_names.length;
    const rows = model.layout.classifier_rows;
    const pieces = await Promise.all(
      Array.from({ length: Math.ceil(count / rows) }, (_, i) => load(`classifier-${i}`)));
    const parts = pieces.map(floats);
    width = parts[0].length / Math.min(rows, count);
    weights = new Float32Array(count * width);
    parts.forEach((part, i) => weights.set(part, i * rows * width));
    pieces.forEach((_, i) => files.delete(`classifier-${i}`));
  }
  /// A_ye times what the user makes of the channel.
  function weight(label, value) {
    const factor = factorOf(value % model.channel_count, label);
    const own = weights[label * width + value];
    return factor === 1 ? own : Math.fround(own * factor);
  }
  const biasOf = (label) => (bias ? bias[label] : 0);

  /// An image with its numbers as arrays, and which of its channels count.
  function unpack(image) {
    return {
      record: image, positive: floats(image.positive), negative: floats(image.negative),
      maximumPixels: new Int32Array(bytes(image.maximum_pixels)), minimumPixels: new Int32Array(bytes(image.minimum_pixels)),
      logits: floats(image.logits),
    };
  }
  /// What the classifier is given, [D] or [2 D].
  function pooled(image) {
    const count = model.channel_count;
    const values = new Float32Array(width);
    for (let k = 0; k < count; k++) {
      const [high, low] = [image.positive[k], image.negative[k]];
      if (model.sides === "untied") [values[k], values[count + k]] = [high, low];
      else values[k] = model.sides === "positive" ? high : high + low;
    }
    if (model.channels_per_image) {
      const kept = selected(values);
      for (let e = 0; e < width; e++) if (!kept[e % count]) values[e] = 0;
    }
    return values;
  }
  /// The channels that count in an image (`channels_per_image`): those that can move its logits most, with the weights as they are now.
  function selected(values) {
    const [count, classes] = [model.channel_count, model.class_names.length];
    const influence = new Float32Array(count);
    for (let k = 0; k < count; k++) {
      let sum = 0;
      for (let e = k; e < width; e += count) {
        let [highest, lowest] = [weight(0, e), weight(0, e)];
        for (let y = 1; y < classes; y++) {
          const own = weight(y, e);
          if (own > highest) highest = own;
          if (own < lowest) lowest = own;
        }
        sum = Math.fround(sum + Math.fround(Math.abs(values[e]) * Math.fround(highest - lowest)));
      }
      influence[k] = sum;
    }
    const order = Array.from(influence.keys()).sort((a, b) => influence[b] - influence[a] || a - b);
    const kept = new Uint8Array(count);
    for (const k of order.slice(0, model.channels_per_image)) kept[k] = 1;
    return kept;
  }
  /// All logits, with the channels weighed as the user has them.
  function logitsOf(image) {
    const values = pooled(image);
    const count = model.channel_count;
    const factor = new Float64Array(width).fill(1);
    for (const [k, f] of factors) for (let e = k; e < width; e += count) factor[e] = f;
    // Classes with factors of their own go by their weights one by one.
    const used = Array.from(values.keys()).filter((e) => values[e] !== 0);
    return Float64Array.from(model.class_names, (_, y) => {
      let sum = biasOf(y);
      const row = y * width;
      if (classFactors.has(y)) for (const e of used) sum += weight(y, e) * values[e];
      else for (const e of used) sum += Math.fround(weights[row + e] * factor[e]) * values[e];
      return sum;
    });
  }
  /// A softmax, or for a head of binary cross-entropy the sigmoid of each.
  function probabilitiesOf(logits) {
    if (model.loss === "binary_cross_entropy") return Array.from(logits, (x) => 1 / (1 + Math.exp(-x)));
    const largest = Math.max(...logits);
    const powers = Array.from(logits, (x) => Math.exp(x - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((x) => x / sum);
  }
  const ranking = (logits) => Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);

  /// What each channel adds to the logit of a class, or to its lead over another class, with the place that counts.
  function contributions(image, label, versus) {
    const count = model.channel_count;
    const values = pooled(image);
    const columns = model.feature_map.width;
    const list = [];
    const difference = (e) => weight(label, e) - (versus === null ? 0 : weight(versus, e));
    for (let k = 0; k < count; k++) {
      const counts = values[k] !== 0 || (model.sides === "untied" && values[count + k] !== 0);
      if (!counts) continue;
      const high = difference(k) * image.positive[k];
      const low = model.sides === "positive" ? 0 : difference(model.sides === "untied" ? count + k : k) * image.negative[k];
      const amount = model.sides === "tied" ? difference(k) * values[k] : high + low;
      if (amount === 0 && factorOf(k, label) !== 0) continue;
      const side = model.sides === "tied"
        ? (image.positive[k] >= -image.negative[k] ? "positive" : "negative")
        : (Math.abs(high) >= Math.abs(low) ? "positive" : "negative");
      const cell = side === "positive" ? image.maximumPixels[k] : image.minimumPixels[k];
      list.push({ channel: k, amount, high, low, side, cell, row: Math.floor(cell / columns), column: cell % columns });
    }
    return list.sort((a, b) => Math.abs(b.amount) - Math.abs(a.amount) || a.channel - b.channel);
  }
  /// Contributions by the place that wins, the places that matter most first.
  function grouped(list) {
    const groups = new Map();
    for (const item of list) {
      if (!groups.has(item.cell)) groups.set(item.cell, { cell: item.cell, row: item.row, column: item.column, sum: 0, items: [] });
      const group = groups.get(item.cell);
      group.sum += item.amount;
      group.items.push(item);
    }
    return Array.from(groups.values()).sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum) || a.cell - b.cell);
  }

  /// Contributions and their places, in the order that they have without the user's changes, so that nothing jumps.
  function inOrder(image, label, versus) {
    const list = contributions(image, label, versus);
    const groups = grouped(list);
    if (!isChanged()) return [list, groups];
    const kept = [factors, classFactors];
    [factors, classFactors] = [new Map(), new Map()];
    const before = contributions(image, label, versus);
    [factors, classFactors] = kept;
    const channels = new Map(before.map((item, i) => [item.channel, i]));
    const places = new Map(grouped(before).map((group, i) => [group.cell, i]));
    const by = (ranks, key) => (a, b) => (ranks.get(a[key]) ?? Infinity) - (ranks.get(b[key]) ?? Infinity) || 0;
    list.sort(by(channels, "channel"));
    for (const group of groups) group.items.sort(by(channels, "channel"));
    return [list, groups.sort(by(places, "cell"))];
  }

  // ------------------------------------------------------------------ What the user changes
  /// Factors of channels for all classes, and those of single classes: label, then channel. They multiply each other.
  let factors = new Map();
  let classFactors = new Map();
  const isChanged = () => factors.size > 0 || classFactors.size > 0;
  const factorOf = (channel, label) => (factors.get(channel) ?? 1) * (classFactors.get(label)?.get(channel) ?? 1);
  const names = new Map();
  /// What the user called channels on these pages; "" for a name that was taken away.
  const renamed = new Map();
  let bias;
  let known;
  const storage = () => `infodisent-names-${model.head_digest}`;

  function setName(channel, text) {
    // As long as names.yaml may have them, and no half of a character.
    const name = Array.from(text.trim().replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")).slice(0, 1000).join("");
    renamed.set(channel, name);
    if (name) names.set(channel, name);
    else names.delete(channel);
  }
  function rename(channel, text) {
    setName(channel, text);
    try {
      localStorage.setItem(storage(), JSON.stringify(Array.from(renamed)));
    } catch (_) { /* The browser keeps nothing for files; the names live as long as the page. */ }
  }
  function recallNames() {
    for (const [channel, name] of Object.entries(model.channel_names)) names.set(Number(channel), name);
    try {
      const kept = localStorage.getItem(storage());
      if (kept) for (const [channel, name] of JSON.parse(kept)) setName(Number(channel), String(name));
    } catch (_) { /* As above. */ }
  }
  function save(name, text) {
    const url = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
    const link = h("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
  const escaped = (text) => JSON.stringify(text).replace(
    /[\u007f-\u009f\u00ad\u0600-\u0605\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  const namesFile = () => Array.from(names).sort((a, b) => a[0] - b[0]).map(([k, name]) => `${k}: ${escaped(name)}\n`).join("");
  const editsFile = () => JSON.stringify({
    schema: "infodisent-edits-1", checkpoint: model.head_digest,
    channels: Object.fromEntries(sorted(factors)),
    classes: classFactors.size ? Object.fromEntries(sorted(classFactors).map(([y, own]) => [y, Object.fromEntries(sorted(own))])) : undefined,
  }, null, 2) + "\n";
  const sorted = (map) => Array.from(map).sort((a, b) => a[0] - b[0]);

  /// Sets a factor of a channel, for one class or with null for all.
  function setFactor(channel, label, factor) {
    const own = label === null ? factors : classFactors.get(label) || new Map();
    if (factor === 1) own.delete(channel);
    else own.set(channel, factor);
    if (label === null) return;
    if (own.size) classFactors.set(label, own);
    else classFactors.delete(label);
  }
  function change(channel, label, factor) {
    setFactor(channel, label, factor);
    render(true);
  }

  // ------------------------------------------------------------------ Parts of pages
  const link = (address, ...children) => h("a", { href: "#" + address }, children);
  const channelName = (k) => `channel ${k}` + (names.has(k) ? ` \u00b7 ${plain(names.get(k), 40)}` : "");
  const channelLink = (k) => h("a", { href: `#channel-${k}` }, "channel\u00a0", k, names.has(k) ? [" \u00b7 ", named(names.get(k), 60)] : null);
  const classLink = (label, limit) => h("a", { href: `#class-${label}` }, classOf(label, limit));

  /// The part of a picture around a cell, magnified from the one stored picture.
  function crop(example, kind, onclick) {
    const { width: columns, height: rows } = model.feature_map;
    const [w, t] = [Math.min(1, Math.max(2.25 / columns, 0.28)), Math.min(1, Math.max(2.25 / rows, 0.28))];
    const left = Math.min(Math.max((example.column + 0.5) / columns - w / 2, 0), 1 - w);
    const top = Math.min(Math.max((example.row + 0.5) / rows - t / 2, 0), 1 - t);
    const image = h("img", {
      src: picture(example.picture), alt: "", loading: "lazy",
      style: { width: `${100 / w}%`, height: `${100 / t}%`, left: `${(-100 * left) / w}%`, top: `${(-100 * top) / t}%` },
    });
    const label = example.label === undefined || example.label === null ? "the explained image" : classText(example.label, 60);
    if (!onclick) return h("span", { class: "crop " + kind }, image);
    return h("button", { class: "crop " + kind, type: "button", "aria-label": `full picture: ${label}`, title: "full picture", onclick }, image);
  }
  function boxes(places) {
    const { width: columns, height: rows } = model.feature_map;
    const svg = s("svg", { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const place of places) {
      const at = { x: place.column + 0.02, y: place.row + 0.02, width: 0.96, height: 0.96 };
      svg.append(s("rect", { class: "box", ...at }), s("rect", { class: `box inner ${place.sum < 0 || place.side === "negative" ? "n" : "p"}`, ...at }));
    }
    return svg;
  }
  function showFull(example, side) {
    const dialog = byId("full");
    const explained = model.images.find((image) => image.picture === example.picture);
    dialog.replaceChildren(
      h("span", { class: "photo" }, h("img", { src: picture(example.picture), alt: "" }), boxes([{ ...example, side }])),
      example.label === undefined || example.label === null ? null : h("p", {}, "class ", classLink(example.label)),
      h("p", { class: "quiet small" }, named(example.path || "", 200)),
      example.activation === undefined ? null : h("p", { class: "small" }, `response ${signed(example.activation)}`,
        example.purity === null || example.purity === undefined ? "" : `, purity ${fixed(example.purity)}`),
      explained ? h("p", {}, link(`image-${explained.id}`, "why the model says what it says")) : "",
      h("button", { type: "button", onclick: () => dialog.close() }, "close"));
    for (const a of dialog.querySelectorAll("a")) a.addEventListener("click", () => dialog.close());
    dialog.showModal();
  }
  function figureOf(example, side) {
    return h("figure", {}, crop(example, "", () => showFull(example, side)), h("figcaption", {}, classOf(example.label, 42)));
  }
  function amountBar(amount, largest, words) {
    return h("div", { class: "amount" },
      h("span", { class: "length " + (amount < 0 ? "n" : "p"), style: { width: `${(100 * Math.abs(amount)) / (largest || 1)}%` } }),
      h("span", {}, h("b", { class: "number " + (amount < 0 ? "against" : "for") }, signed(amount)), " ", h("span", { class: "quiet" }, words)));
  }
  /// Whether a channel counts and how much, for all classes or with a label for that class alone.
  function switcher(k, label = null) {
    const factor = (label === null ? factors.get(k) : classFactors.get(label)?.get(k)) ?? 1;
    const [key, whom] = label === null ? ["", ""] : ["own-", ` for ${classText(label, 60)} only`];
    return h("span", { class: "switch" },
      h("label", { class: "switch" }, h("input", { type: "checkbox", checked: factor !== 0, "data-key": `${key}on-${k}`, "aria-label": label === null ? null : `use channel ${k}${whom}`, onchange: (e) => change(k, label, e.target.checked ? 1 : 0) }), "use"),
      h("label", { class: "switch" }, h("span", {}, "\u00d7"), h("input", { type: "range", min: 0, max: 2, step: 0.1, value: factor, "data-key": `${key}factor-${k}`, "aria-label": `weight of channel ${k}${whom}`, onchange: (e) => change(k, label, Number(e.target.value)) }),
        h("span", { class: "number" }, fixed(factor, 1))));
  }
  /// The same for the class that is explained, behind a few words as long as nobody wants it.
  function classSwitcher(k, label) {
    const key = `own-${label}-${k}`;
    if (!opened.has(key) && !classFactors.get(label)?.has(k)) {
      return h("button", { type: "button", class: "link small", "data-key": `own-on-${k}`, "aria-label": `for this class only: channel ${k}`, onclick: () => { opened.add(key); render(true); } }, "for this class only");
    }
    return h("span", { class: "own small" }, h("span", { class: "quiet" }, "for ", classOf(label, 40), " only"), switcher(k, label));
  }
  /// A list that grows by a button.
  function paged(items, size, kind, draw) {
    const list = h("ul", { class: "grid " + kind });
    const more = h("button", { type: "button" });
    let shown = 0;
    const grow = () => {
      for (const item of items.slice(shown, shown + size)) list.append(h("li", {}, draw(item)));
      shown = Math.min(items.length, shown + size);
      more.textContent = `show ${Math.min(size, items.length - shown)} more of ${items.length}`;
      more.hidden = shown >= items.length;
    };
    more.addEventListener("click", grow);
    grow();
    return [list, h("p", {}, more)];
  }
  function filter(label, items, matches, draw) {
    const input = h("input", { type: "text", "aria-label": label, placeholder: label });
    const place = h("div", {});
    const update = () => {
      const words = input.value.trim().toLowerCase();
      const found = words ? items.filter((item) => matches(item, words)) : items;
      place.replaceChildren(h("p", { class: "quiet small", "aria-live": "polite" }, `${found.length} of ${items.length}`), ...draw(found));
    };
    input.addEventListener("input", update);
    update();
    return [h("p", {}, input), place];
  }
  const imageTile = (image) => h("a", { class: "tile" + (image.label !== null && image.label !== undefined && image.label !== image.predicted ? " wrong" : ""), href: `#image-${image.id}` },
    h("img", { src: picture(image.picture), alt: "", loading: "lazy" }),
    h("b", {}, classOf(image.predicted, 50)), " ", h("span", { class: "number quiet" }, percent(image.probability)),
    image.label === null || image.label === undefined ? null : image.label === image.predicted
      ? h("div", { class: "quiet" }, "\u2713 right") : h("div", { class: "against" }, "\u2717 is ", classOf(image.label, 50)));
  const channelTile = (line) => h("a", { class: "tile", href: `#channel-${line.channel}` },
    line.example ? crop(line.example, "") : null, h("b", {}, channelName(line.channel)),
    line.label === null || line.label === undefined ? h("div", { class: "quiet" }, "no class uses it") : h("div", { class: "quiet" }, "most for ", classOf(line.label, 50)));

  // ------------------------------------------------------------------ An explained image
  const PLACES = 6;
  const opened = new Set();
  const heat = { on: false, strength: 60, channel: null };

  async function imageView(id, options) {
    const line = model.images.find((image) => image.id === id);
    if (!line) return missing("image", id);
    const image = unpack(await load(`image-${id}`));
    await classifier();
    const record = image.record;
    const classCount = model.class_names.length;
    const inside = (label) => label !== null && label >= 0 && label < classCount;
    const logits = logitsOf(image);
    const order = ranking(logits);
    const predicted = order[0];
    const label = inside(options.label) ? options.label : record.explained;
    const asked = options.versus === undefined ? (record.versus ?? null) : options.versus;
    const versus = inside(asked) && asked !== label ? asked : null;
    const probabilities = probabilitiesOf(logits);
    const [list, groups] = inOrder(image, label, versus);
    const total = logits[label] - (versus === null ? 0 : logits[versus]);
    const ownBias = biasOf(label) - (versus === null ? 0 : biasOf(versus));
    const first = groups.slice(0, PLACES);
    const firstSum = first.reduce((sum, group) => sum + group.sum, 0);
    const rest = groups.slice(PLACES).reduce((sum, group) => sum + group.sum, 0);
    const restCount = groups.slice(PLACES).reduce((count, group) => count + group.items.length, 0);
    const largest = list.reduce((most, item) => Math.max(most, Math.abs(item.amount)), 0);
    if (options.check) writeState({ logits: Array.from(logits), probabilities, sum: list.reduce((sum, item) => sum + item.amount, ownBias), total, edits: editsFile(), names: namesFile() });

    const address = (changes) => {
      const all = { label: options.label, versus, ...changes };
      const against = all.versus === null ? (record.versus === undefined ? "" : "/versus-none") : `/versus-${all.versus}`;
      return `image-${id}` + (all.label === null ? "" : `/class-${all.label}`) + against;
    };
    const what = versus === null ? "score" : "lead";
    const share = (amount) => (amount < 0 ? `against ${versus === null ? "it" : "the first"}` : total > 0 && amount <= total ? `= ${fixed((100 * amount) / total, 0)}\u00a0% of the ${what}` : `for ${versus === null ? "it" : "the first"}`);
    const gains = list.reduce((sum, item) => sum + Math.max(0, item.amount), Math.max(0, ownBias));
    const losses = list.reduce((sum, item) => sum + Math.min(0, item.amount), Math.min(0, ownBias));
    const shares = total > 0 && firstSum > 0 && firstSum <= total;
    const placesWords = !first.length ? "" : shares
      ? `, of which the ${plural(first.length, "place")} below give${first.length === 1 ? "s" : ""} ${fixed((100 * firstSum) / total, 0)}\u00a0%`
      : "";
    const balance = losses < -0.005 ? `: ${signed(gains)} for and ${signed(losses)} against` : "";

    const photo = h("span", { class: "photo" }, h("img", { src: picture(record.picture), alt: `the picture that is explained, taken for ${classText(predicted, 60)}` }),
      heatCanvas(record, groups), boxes(first), first.map((group, i) => placeNumber(group, i + 1)));
    const map = h("span", { class: "photo grey" }, h("img", { src: picture(record.picture), alt: "" }), cells(groups));
    const summary = versus === null ? `Score ${fixed(total)}${placesWords}${balance}.`
      : [classOf(label), total >= 0 ? " leads" : " is behind", ` by ${fixed(Math.abs(total))}${placesWords}${balance}.`];
    const parts = first.map((group, i) => ({ amount: group.sum, words: `place ${i + 1}` }));
    parts.push({ amount: rest, words: `all others together${restCount ? ` (${plural(restCount, "channel")})` : ""}`, isRest: true });
    if (bias) parts.push({ amount: ownBias, words: "bias", title: "what the class has before the model sees anything" });

    const runnerUp = order.find((y) => y !== label);
    const words = h("div", { class: "words" },
      h("h1", {}, versus === null ? classOf(label, 120) : ["Why ", classOf(label, 90), " and not ", classOf(versus, 90), "?"]),
      h("p", {},
        label === predicted ? ["predicted with ", h("b", { class: "number" }, percent(probabilities[label]))] : ["not predicted: ", h("b", { class: "number" }, percent(probabilities[label])), "; the model says ", h("b", {}, classOf(predicted)), " (", percent(probabilities[predicted]), ")"],
        " \u00b7 ", record.label === null || record.label === undefined ? h("span", { class: "quiet" }, "true class not known")
          : record.label === predicted ? h("span", { class: "quiet" }, "true class: the same \u2713") : h("span", { class: "against" }, "true class: ", classLink(record.label), " \u2717"),
        h("span", { class: "quiet small" }, " \u00b7 ", named(record.path, 90))),
      h("p", {}, summary), sumBar(parts, total),
      h("ul", { class: "parts", "aria-label": "the sum" }, parts.map((part) => h("li", { title: part.title }, h("span", { class: "quiet" }, part.words), " ", h("b", { class: "number " + (part.amount < 0 ? "against" : "for") }, signed(part.amount)))), h("li", {}, "= ", h("b", { class: "number" }, fixed(total)), h("span", { class: "quiet small" }, " (rounded)"))),
      versus === null && runnerUp !== undefined
        ? h("p", {}, label === predicted ? "Against the runner-up " : "Against ", h("b", {}, classOf(runnerUp)), ` (${fixed(logits[runnerUp])}) it ${logits[label] >= logits[runnerUp] ? "wins" : "loses"} by ${fixed(Math.abs(logits[label] - logits[runnerUp]))}: `, link(address({ versus: runnerUp }), "which parts decide?"))
        : versus !== null ? h("p", {}, link(address({ versus: null }), "back to the whole score")) : null,
      h("p", { class: "quiet small" }, versus === null
        ? "Each row: a part of this picture that the network found, training pictures in which it found the same, and what that adds to the score (blue) or takes from it (orange). The class with the highest score is predicted. "
        : "Each row: a part of this picture that speaks more for the one class (blue) or for the other (orange). ", link("about", "More about this page")));

    const selectClass = (selected, choose, empty) => h("select", { "data-key": empty ? "versus" : "class", onchange: (e) => { location.hash = choose(e.target.value === "" ? null : Number(e.target.value)); } },
      empty ? h("option", { value: "" }, empty) : null,
      order.map((y) => h("option", { value: y, selected: y === selected }, `${classText(y, 60)} (${percent(probabilities[y])})`)));
    const controls = h("div", { class: "controls" },
      h("label", {}, "Why", selectClass(label, (y) => address({ label: y, versus: versus === y ? null : versus }))),
      h("label", {}, "and not", selectClass(versus, (y) => address({ versus: y }), "(any other class)")),
      h("label", {}, h("input", { type: "checkbox", checked: heat.on, "data-key": "heat", onchange: (e) => { heat.on = e.target.checked; render(true); } }), "heat map", heat.channel === null ? "" : [" of ", channelName(heat.channel)]),
      h("label", {}, "strength", h("input", { type: "range", min: 10, max: 100, value: heat.strength, "data-key": "strength", onchange: (e) => { heat.strength = Number(e.target.value); heat.on = true; render(true); } })),
      heat.channel === null ? null : h("button", { type: "button", onclick: () => { heat.channel = null; render(true); } }, "of all channels"));

    const cards = [];
    for (const [i, group] of groups.entries()) {
      if (i >= PLACES && !opened.has(`places-${id}`)) break;
      cards.push(await placeCard(record, group, i + 1, largest, share, what, id, label));
    }
    const hidden = groups.length - Math.min(groups.length, PLACES);
    if (hidden > 0) {
      const key = `places-${id}`;
      cards.push(h("p", {}, h("button", { type: "button", "data-key": key, onclick: () => { opened.has(key) ? opened.delete(key) : opened.add(key); render(true); } },
        opened.has(key) ? "fewer places" : `show ${plural(hidden, "more place")} (${signed(rest)})`)));
    }
    await whatIf(image, logits, probabilities, order);
    title(`${classText(label)}`);
    return [strip(line), h("div", { class: "head" },
      h("figure", {}, photo, h("figcaption", {}, "what the network saw; boxes: the places below")),
      h("figure", {}, map, h("figcaption", {}, model.reading === "mean" ? "what channels add, at the places where each is strongest " : "what each place adds ", h("span", { class: "for" }, "\u25a0 for"), " ", h("span", { class: "against" }, "\u25a0 against"))), words),
    controls, h("h2", { class: "hidden" }, "Places"), cards, scoreTable(image, logits, probabilities, order, address), allChannels(list, total, what)];
  }

  function placeNumber(group, number) {
    const { width: columns, height: rows } = model.feature_map;
    return h("span", { class: "boxnumber", "aria-hidden": "true", style: { left: `${(100 * group.column) / columns}%`, top: `${(100 * group.row) / rows}%` } }, number);
  }
  function cells(groups) {
    const { width: columns, height: rows } = model.feature_map;
    const svg = s("svg", { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", role: "img", "aria-label": "what each place of the picture adds to the score" });
    const largest = groups.reduce((most, group) => Math.max(most, Math.abs(group.sum)), 0);
    for (const group of groups) {
      svg.append(s("rect", { class: "cell " + (group.sum < 0 ? "n" : "p"), x: group.column, y: group.row, width: 1, height: 1, opacity: (0.85 * Math.abs(group.sum)) / (largest || 1) }, s("title", {}, signed(group.sum))));
    }
    return svg;
  }
  /// A sign's colour over the picture, never so strong that the picture is hidden, and below the boxes.
  function heatCanvas(record, groups) {
    if (!heat.on) return null;
    const { width: columns, height: rows } = model.feature_map;
    const canvas = h("canvas", { width: columns, height: rows, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(columns, rows);
    const values = new Float32Array(columns * rows);
    const map = heat.channel === null ? null : record.maps.find((map) => map.channel === heat.channel);
    if (map) new Int8Array(bytes(map.values)).forEach((value, i) => { values[i] = value / 127; });
    else if (heat.channel === null) for (const group of groups) values[group.cell] = group.sum / (Math.max(...groups.map((other) => Math.abs(other.sum))) || 1);
    values.forEach((value, i) => {
      const colour = value < 0 ? [255, 128, 20] : [30, 150, 255];
      pixels.data.set([...colour, Math.round(Math.abs(value) * heat.strength * 0.01 * 0.7 * 255)], 4 * i);
    });
    context.putImageData(pixels, 0, 0);
    return canvas;
  }
  /// One bar: what speaks for the class from the left, and below it, from its end back to the score, what speaks against it.
  function sumBar(parts, total) {
    const gains = parts.filter((part) => part.amount > 0);
    const losses = parts.filter((part) => part.amount < 0);
    const end = gains.reduce((sum, part) => sum + part.amount, 0);
    const start = Math.min(0, total);
    const span = end - start || 1;
    const at = (value) => `${(100 * (value - start)) / span}%`;
    const segments = [];
    let place = 0;
    for (const part of gains) {
      segments.push(h("span", { class: "p" + (part.isRest ? " rest" : ""), title: `${part.words} ${signed(part.amount)}`, style: { left: at(place), width: `${(100 * part.amount) / span}%` } }));
      place += part.amount;
    }
    const back = [];
    for (const part of losses) {
      place += part.amount;
      back.push(h("span", { class: "n" + (part.isRest ? " rest" : ""), title: `${part.words} ${signed(part.amount)}`, style: { left: at(place), width: `${(100 * -part.amount) / span}%` } }));
    }
    return h("div", { role: "img", "aria-label": `a bar of parts that add up to ${fixed(total)}` }, h("div", { class: "bar" }, segments), back.length ? h("div", { class: "bar back" }, back) : null);
  }
  async function placeCard(record, group, number, largest, share, what, id, label) {
    const key = `place-${id}-${group.cell}`;
    const size = opened.has(key) ? group.items.length : 2;
    const items = group.items.slice(0, size);
    const records = await Promise.all(items.map((item) => channelRecord(item.channel)));
    const kind = group.sum < 0 ? "n" : "p";
    const example = { picture: record.picture, row: group.row, column: group.column, path: record.path };
    const rows = items.map((item, i) => {
      const examples = records[i] ? records[i][item.side] : [];
      return h("div", { class: "row" + (factorOf(item.channel, label) === 0 ? " off" : "") },
        h("div", { class: "name" }, channelLink(item.channel), item.side === "negative" ? h("span", { class: "quiet small" }, "its opposite") : null, partOf(records[i], item.side), switcher(item.channel), classSwitcher(item.channel, label),
          record.maps.some((map) => map.channel === item.channel) ? h("button", { type: "button", class: "link small", "data-key": `map-${item.channel}`, onclick: () => { heat.on = true; heat.channel = item.channel; render(true); window.scrollTo(0, 0); } }, "where it responds") : null),
        h("div", { class: "like quiet" }, "looks like"),
        h("div", { class: "crops" }, examples.length ? examples.map((example) => figureOf(example, item.side)) : h("span", { class: "quiet small" }, "pictures of this channel are not part of these pages")),
        amountBar(item.amount, largest, share(item.amount)));
    });
    const more = group.items.length - 2;
    return h("section", { class: "card" },
      h("h3", {}, `Place ${number}: `, h("span", { class: "number " + (group.sum < 0 ? "against" : "for") }, signed(group.sum)), " ", h("span", { class: "quiet" }, `${share(group.sum)}, by ${plural(group.items.length, "channel")}`)),
      h("div", { class: "place" }, h("figure", {}, crop(example, `this ${kind}`, () => showFull(example, group.sum < 0 ? "negative" : "positive")), h("figcaption", {}, h("b", {}, "this"))),
        h("div", {}, rows, more > 0 ? h("p", {}, h("button", { type: "button", "data-key": key, onclick: () => { opened.has(key) ? opened.delete(key) : opened.add(key); render(true); } },
          opened.has(key) ? "fewer channels" : `show ${plural(more, "more channel")} here (${signed(group.items.slice(2).reduce((sum, item) => sum + item.amount, 0))})`)) : null)));
  }
  function partOf(record, side) {
    const part = record && record[`${side}_part`];
    return part ? h("span", { class: "quiet small" }, `${part.part} in ${part.hit_count} of ${part.visible_count}`) : null;
  }
  function scoreTable(image, logits, probabilities, order, address) {
    const before = probabilitiesOf(image.logits);
    return h("details", {}, h("summary", {}, "Scores of the classes"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "scores of the classes" }, h("table", {},
      h("thead", {}, h("tr", {}, ["class", "score", "probability"].map((t, i) => h("th", { class: i ? "number" : null }, t)), isChanged() ? ["score before", "probability before"].map((t) => h("th", { class: "number" }, t)) : null)),
      h("tbody", {}, order.slice(0, 10).map((y) => h("tr", {}, h("td", {}, link(address({ label: y, versus: null }), classOf(y))), h("td", { class: "number" }, fixed(logits[y], 3)), h("td", { class: "number" }, percent(probabilities[y], 2)),
        isChanged() ? [h("td", { class: "number" }, fixed(image.logits[y], 3)), h("td", { class: "number" }, percent(before[y], 2))] : null))))));
  }
  function allChannels(list, total, what) {
    const details = h("details", {}, h("summary", {}, `All ${plural(list.length, "channel")} as a table`));
    details.addEventListener("toggle", () => {
      if (!details.open || details.children.length > 1) return;
      let shown = 0;
      const body = h("tbody", {});
      const more = h("button", { type: "button" }, "show 100 more");
      const grow = () => {
        for (const item of list.slice(shown, shown + 100)) {
          body.append(h("tr", {}, h("td", {}, channelLink(item.channel)), h("td", { class: "number" }, signed(item.amount, 4)), h("td", { class: "number" }, total ? fixed((100 * item.amount) / total, 1) + "\u00a0%" : ""),
            h("td", { class: "number" }, signed(item.high, 4)), h("td", { class: "number" }, signed(item.low, 4)), h("td", { class: "number" }, `${item.row + 1}, ${item.column + 1}`)));
        }
        shown += 100;
        more.hidden = shown >= list.length;
      };
      more.addEventListener("click", grow);
      grow();
      details.append(h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "all channels" }, h("table", {}, h("thead", {}, h("tr", {}, ["channel", "adds", `of the ${what}`, "its response", "its opposite response", "row, column"].map((t, i) => h("th", { class: i ? "number" : null }, t)))), body)), h("p", {}, more));
    });
    return details;
  }
  function strip(line) {
    const place = model.images.indexOf(line);
    const start = Math.max(0, Math.min(place - 4, model.images.length - 9));
    return h("nav", { class: "strip", "aria-label": "explained images" }, model.images.slice(start, start + 9).map((image) =>
      h("a", { href: `#image-${image.id}`, "aria-current": image === line ? "page" : null, "aria-label": `image ${model.images.indexOf(image) + 1}: ${classText(image.predicted, 40)}` }, h("img", { src: picture(image.picture), alt: "" }))));
  }
  function writeState(state) {
    const old = byId("state");
    if (old) old.remove();
    const block = h("script", { type: "application/json", id: "state" });
    block.textContent = JSON.stringify(state).replace(/</g, "\\u003c");
    document.body.append(block);
  }

  // ------------------------------------------------------------------ What if
  async function whatIf(image, logits, probabilities, order) {
    const place = byId("whatif");
    place.hidden = !isChanged();
    if (!isChanged()) return place.replaceChildren();
    const list = [...sorted(factors).map(([k, f]) => [k, f, null]), ...sorted(classFactors).flatMap(([y, own]) => sorted(own).map(([k, f]) => [k, f, y]))];
    const count = new Set(list.map((item) => item[0])).size;
    const text = list.slice(0, 6).map(([k, f, y], i) => [i ? ", " : "", f === 0 ? `${k} off` : `${k} \u00d7 ${fixed(f, 1)}`, y === null ? "" : [" for ", classOf(y, 30)]]);
    if (list.length > 6) text.push(", \u2026");
    let outcome = null;
    if (image) {
      const before = ranking(image.logits)[0];
      const old = probabilitiesOf(image.logits);
      outcome = h("span", {}, classOf(before, 50), ` ${percent(old[before])} \u2192 ${percent(probabilities[before])}`, order[0] === before ? "" : [h("b", { class: "against" }, "; now "), classOf(order[0], 50), ` (${percent(probabilities[order[0]])})`]);
    }
    place.replaceChildren(h("div", { class: "in" }, h("b", {}, "What if"), h("span", {}, `${plural(count, "channel")} changed: `, text), h("span", { "aria-live": "polite" }, outcome),
      h("button", { type: "button", onclick: () => { factors.clear(); classFactors.clear(); render(true); } }, "undo all"),
      h("button", { type: "button", onclick: (e) => tryAll(e.target) }, "try on all explained images"),
      h("button", { type: "button", title: "infodisent edit --checkpoint RUN --edits edits.json --output EDITED", onclick: () => save("edits.json", editsFile()) }, "save the edit list")));
  }
  async function tryAll(button) {
    await classifier();
    let [changed, before, after, labelled] = [0, 0, 0, 0];
    for (const [i, line] of model.images.entries()) {
      const image = unpack(await load(`image-${line.id}`));
      const [old, now] = [ranking(image.logits)[0], ranking(logitsOf(image))[0]];
      if (old !== now) changed++;
      if (line.label !== null && line.label !== undefined) {
        labelled++;
        if (old === line.label) before++;
        if (now === line.label) after++;
      }
      if (i % 10 === 0) button.textContent = `${i + 1} of ${model.images.length}`;
    }
    button.textContent = `${plural(changed, "image")} of ${model.images.length} change class` + (labelled ? `; right: ${before} \u2192 ${after} of ${labelled}` : "");
  }

  // ------------------------------------------------------------------ A channel
  async function channelView(k) {
    const record = await channelRecord(k);
    if (!record) return missing("channel", k);
    title(channelName(k));
    await whatIf();
    const input = h("input", { type: "text", value: names.get(k) || "", maxlength: 1000, "aria-label": `name of channel ${k}`, placeholder: "your name for it" });
    const sides = (side, heading, words) => h("section", { class: "card" }, h("h2", {}, heading), h("p", { class: "quiet small" }, words),
      h("div", { class: "crops large" }, record[side].map((example) => h("figure", {}, crop(example, side === "negative" ? "this n" : "this", () => showFull(example, side)), h("figcaption", {}, classLink(example.label, 42), h("br"), h("span", { class: "number" }, signed(example.activation)))))),
      record[side].length ? null : h("p", { class: "quiet" }, "no training picture"),
      h("p", { class: "quiet small" }, record[`${side}_part`] ? `Its patches hold: ${record[`${side}_part`].part}, in ${record[`${side}_part`].hit_count} of the ${record[`${side}_part`].visible_count} where that is visible. ` : "",
        record[side].some((e) => e.purity !== null && e.purity !== undefined) ? `Purity (share of what the network finds there that is this channel): ${fixed(record[side].reduce((sum, e) => sum + (e.purity || 0), 0) / record[side].length)}.` : ""));
    const largest = Math.max(...record.classes.map((use) => Math.abs(use.mean_contribution ?? use.weight)), 1e-12);
    const here = model.images.length;
    return [h("h1", {}, channelName(k)),
      h("p", { class: "quiet" }, record.top_image_count === null || record.top_image_count === undefined ? "" : `Among the ten channels that decide, in ${plural(record.top_image_count, "training image")}. `, `Weight over all classes ${fixed(record.use)}.`),
      h("div", { class: "controls" }, h("label", {}, "Name ", input), h("button", { type: "button", onclick: () => { rename(k, input.value); render(true); } }, "keep"), h("button", { type: "button", onclick: () => save("names.yaml", namesFile()) }, "save names.yaml"), switcher(k)),
      sides("positive", "Looks like", "The training pictures in which it responds most strongly, around the place where it does."),
      model.sides === "positive" ? null : sides("negative", "The opposite", "The training pictures in which it responds most strongly the other way: this speaks against the classes that use the channel."),
      h("section", {}, h("h2", {}, "Classes that use it"), h("p", { class: "quiet small" }, "What it adds to the score of a class, as a mean over the training pictures of the class; and the weight the class gives it."),
        h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "classes" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "class"), h("th", {}, "adds on average"), h("th", { class: "number" }, "weight"))),
          h("tbody", {}, record.classes.map((use) => h("tr", {}, h("td", {}, classLink(use.label)), h("td", { class: "wide" }, amountBar(use.mean_contribution ?? use.weight, largest, "")), h("td", { class: "number" }, fixed(use.weight, 3)))))))),
      record.histogram ? h("section", {}, h("h2", {}, "How strong it is in the training pictures"), histogram(record.histogram)) : null,
      record.companions.length ? h("section", {}, h("h2", {}, "Channels that decide together with it"), h("ul", { class: "grid" }, record.companions.map((other) => h("li", {}, tileOfChannel(other.channel, plural(other.image_count, "image")))))) : null];
  }
  function tileOfChannel(k, words, amount) {
    const line = known.get(k);
    return h("a", { class: "tile", href: `#channel-${k}` }, line && line.example ? crop(line.example, "") : null, h("b", {}, channelName(k)), h("div", { class: "quiet" }, words));
  }
  function histogram(record) {
    const bars = [...record.negative, ...record.positive];
    const most = Math.max(...bars, 1);
    const step = 560 / bars.length;
    const zero = 30 + record.negative.length * step;
    return [s("svg", { class: "chart", viewBox: "0 0 620 190", role: "img", "aria-label": `histogram from ${fixed(record.lowest)} to ${fixed(record.highest)}` },
      bars.map((count, i) => s("rect", { class: i < record.negative.length ? "n" : "p", x: 30 + i * step + 1, width: step - 2, y: 150 - (130 * count) / most, height: (130 * count) / most }, s("title", {}, plural(count, "image")))),
      s("line", { class: "axis", x1: 30, x2: 590, y1: 150.5, y2: 150.5 }), s("line", { class: "axis", x1: zero, x2: zero, y1: 10, y2: 158 }),
      s("text", { x: zero, y: 174, "text-anchor": "middle" }, "0"), s("text", { x: 30, y: 174 }, fixed(record.lowest)), s("text", { x: 590, y: 174, "text-anchor": "end" }, fixed(record.highest)), s("text", { x: 30, y: 12 }, plural(most, "image"))),
    h("p", { class: "quiet small" }, `Right of 0: the strongest response in a picture; left of it: the strongest opposite response. ${plural(record.without_positive, "picture")} without the one, ${record.without_negative} without the other.`)];
  }

  // ------------------------------------------------------------------ A class
  async function classView(label) {
    if (!(label >= 0 && label < model.class_names.length)) return missing("class", label);
    title(classText(label));
    await whatIf();
    const record = await classRecord(label);
    const own = model.images.filter((image) => image.label === label || image.predicted === label);
    const parts = [h("h1", {}, classOf(label, 200))];
    if (record) {
      parts.push(h("p", {}, record.test_image_count ? [h("b", {}, percent(record.correct_count / record.test_image_count)), ` of ${plural(record.test_image_count, "test image")} recognised`] : "no test images", h("span", { class: "quiet" }, ` \u00b7 ${plural(record.train_image_count, "training image")}`)));
      const first = record.channels.slice(0, 12);
      const largest = Math.max(...record.channels.map((share) => Math.abs(share.mean_contribution)), 1e-12);
      const others = record.channels.slice(12).reduce((sum, share) => sum + share.mean_contribution, record.rest);
      const sum = first.reduce((total, share) => total + share.mean_contribution, others + (record.bias || 0));
      const bar = first.map((share) => ({ amount: share.mean_contribution, words: channelName(share.channel) }));
      bar.push({ amount: others, words: "all others together", isRest: true });
      if (record.bias !== null && record.bias !== undefined) bar.push({ amount: record.bias, words: "bias" });
      const records = await Promise.all(first.map((share) => channelRecord(share.channel)));
      parts.push(h("h2", {}, "What the model looks for"), h("p", { class: "quiet small" }, "Channels by what they add to this class's score, as a mean over its training pictures."), h("p", {}, `Mean score ${fixed(sum)}:`), sumBar(bar, sum),
        h("div", { class: "card" }, first.map((share, i) => {
          const side = share.mean_contribution < 0 ? "negative" : "positive";
          return h("div", { class: "row" }, h("div", { class: "name" }, channelLink(share.channel), side === "negative" ? h("span", { class: "quiet small" }, "its opposite") : null, partOf(records[i], side), switcher(share.channel)), h("div", { class: "like quiet" }, "looks like"),
            h("div", { class: "crops" }, records[i] ? records[i][side].map((example) => figureOf(example, side)) : null), amountBar(share.mean_contribution, largest, share.mean_contribution < 0 ? "against it" : sum > 0 && share.mean_contribution <= sum ? `= ${fixed((100 * share.mean_contribution) / sum, 0)}\u00a0% of the mean` : "for it"));
        }), h("div", { class: "row" }, h("div", { class: "name" }, "all others together ", h("b", { class: "number" }, signed(others)), record.bias === null || record.bias === undefined ? null : [" \u00b7 bias ", h("b", { class: "number" }, signed(record.bias))]))));
      const examples = (list, heading) => list.length ? h("section", {}, h("h3", {}, heading), h("ul", { class: "grid" }, list.map((example) => h("li", {}, h(example.image ? "a" : "div", { class: "tile" + (example.predicted === label ? "" : " wrong"), href: example.image ? `#image-${example.image}` : null },
        h("img", { src: picture(example.picture), alt: "", loading: "lazy" }), example.predicted === label ? "\u2713 " : "\u2717 taken for ", example.predicted === label ? "recognised" : classOf(example.predicted, 50), " ", h("span", { class: "number quiet" }, percent(example.probability)), example.image ? h("div", { class: "for" }, "explained") : null))))) : null;
      parts.push(h("h2", {}, "Its test pictures"), examples(record.strongest, "surest"), examples(record.typical, "typical"), examples(record.weakest, "hardest"));
      const asOther = model.confusions.filter((c) => c.label === label);
      const takenFor = model.confusions.filter((c) => c.predicted === label);
      const table = (list, key, heading) => h("section", {}, h("h3", {}, heading), list.length ? h("table", {}, h("tbody", {}, list.slice(0, 10).map((c) => h("tr", {}, h("td", {}, classLink(c[key])), h("td", { class: "number" }, plural(c.count, "image")))))) : h("p", { class: "quiet" }, "none"));
      parts.push(h("h2", {}, "Confusions"), h("div", { class: "grid wide" }, table(asOther, "predicted", "Its pictures are taken for"), table(takenFor, "label", "Taken for it")));
    }
    if (own.length) parts.push(h("h2", {}, "Explained images"), paged(own, 24, "", imageTile));
    return parts;
  }

  // ------------------------------------------------------------------ The model
  async function modelView() {
    title("The model");
    await whatIf();
    const e = model.evaluation;
    const figures = [];
    const add = (value, words) => figures.push(h("div", { class: "figure" }, h("b", { class: "number" }, value), words));
    if (e) {
      add(percent(e.head.top1, 2), "of the test images recognised (top-1)");
      if (e.head.top5 !== null && e.head.top5 !== undefined) add(percent(e.head.top5, 2), "have the class among the first five");
      if (e.black_box) add(percent(e.black_box.top1, 2), "by a plain linear classifier on the same features, which explains nothing");
      if (e.own_last_layer) add(percent(e.own_last_layer.top1, 2), "by the network's own last layer");
      if (e.gap_in_points !== null && e.gap_in_points !== undefined) add(signed(e.gap_in_points), "points between the explained and the plain classifier");
      add(fixed(e.mean_explanation_size, 1), "channels matter for an image, on average (at least 0.2 of the largest)");
    }
    const wrong = model.images.filter((image) => image.label !== null && image.label !== undefined && image.label !== image.predicted).length;
    return [h("h1", {}, model.classes.length ? "A model, explained" : "Explained images"), h("p", { class: "quiet" }, `${model.backbone} \u00b7 ${plural(model.class_names.length, "class", "classes")} \u00b7 ${plural(model.channel_count, "channel")} \u00b7 ${model.checkpoint}`, e ? ` \u00b7 ${plural(e.test_image_count, "test image")}` : ""),
      h("p", {}, "The model finds parts of a picture, each by a channel, and adds up what they speak for. So every score is a sum that can be looked at, part by part. ", link("about", "How to read these pages")),
      figures.length ? h("div", { class: "figures" }, figures) : null,
      h("h2", {}, "Explained images"), h("p", { class: "quiet small" }, `Click one: what the model saw in it, and what that is worth.${wrong ? ` ${plural(wrong, "image")} of these ${wrong === 1 ? "is" : "are"} taken for another class.` : ""}`), paged(model.images, 12, "", imageTile),
      model.channels.length ? [h("h2", {}, "Channels"), h("p", { class: "quiet small" }, "The most used ones, each by the training picture in which it is strongest. ", link("channels", `all ${model.channels.length}`)), h("ul", { class: "grid" }, byUse().slice(0, 12).map((line) => h("li", {}, channelTile(line))))] : null,
      model.classes.length ? [h("h2", {}, "Classes"), h("p", { class: "quiet small" }, "Those with the most mistakes first. ", link("classes", `all ${model.class_names.length}`)), h("ul", { class: "grid wide" }, classLines().sort((a, b) => a.share - b.share || a.label - b.label).slice(0, 9).map((line) => h("li", {}, classTile(line))))] : null,
      model.epochs.length > 1 ? [h("h2", {}, "Training"), curves(model.epochs)] : null,
      model.scorecard ? scorecard(model.scorecard) : null,
      h("h2", {}, "Where it comes from"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "origins" }, h("table", {}, h("tbody", {}, model.origins.map((origin) => h("tr", {}, h("th", { scope: "row" }, origin.name), h("td", {}, origin.value.includes("\n") ? h("details", {}, h("summary", {}, "show"), h("pre", {}, origin.value)) : h("span", { class: "small" }, origin.value)))))))];
  }
  const byUse = () => model.channels.slice().sort((a, b) => b.use - a.use || a.channel - b.channel);
  const classLines = () => model.classes.map((line, label) => ({ label, tested: line.test_image_count, share: line.test_image_count ? line.correct_count / line.test_image_count : 2 }));
  const classTile = (line) => h("a", { class: "tile", href: `#class-${line.label}` }, h("b", {}, classOf(line.label, 90)), line.share <= 1 ? h("div", { class: "quiet" }, `${percent(line.share)} of ${line.tested} recognised`) : null);

  function curves(epochs) {
    const chart = (lines, heading, text) => {
      const values = lines.flatMap((line) => line.values).filter((v) => Number.isFinite(v));
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const x = (i) => 58 + (352 * i) / Math.max(1, epochs.length - 1);
      const y = (v) => 150 - (130 * (v - low)) / (high - low || 1);
      return h("figure", {}, h("figcaption", {}, heading), s("svg", { class: "chart", viewBox: "0 0 420 190", role: "img", "aria-label": `${heading}: from ${text(values[0])} to ${text(values[values.length - 1])}` },
        s("line", { class: "axis", x1: 58, x2: 410, y1: 150.5, y2: 150.5 }), s("text", { x: 52, y: 154, "text-anchor": "end" }, text(low)), s("text", { x: 52, y: 24, "text-anchor": "end" }, text(high)),
        s("text", { x: 58, y: 174 }, `epoch ${epochs[0].epoch}`), s("text", { x: 410, y: 174, "text-anchor": "end" }, epochs[epochs.length - 1].epoch),
        lines.map((line) => s("polyline", { class: line.kind, points: line.values.map((v, i) => (Number.isFinite(v) ? `${x(i).toFixed(1)},${y(v).toFixed(1)}` : "")).join(" ") }))),
      lines.length > 1 ? h("figcaption", {}, lines.map((line) => h("span", { class: line.kind === "line-p" ? "for" : "against" }, line.kind === "line-p" ? "\u2014 " : "- - ", line.words, " "))) : null);
    };
    const number = (v) => (v === null || v === undefined ? NaN : v);
    const tested = epochs.some((epoch) => Number.isFinite(number(epoch.test_top1)));
    return h("div", { class: "charts" }, chart([{ values: epochs.map((epoch) => epoch.loss), kind: "line-p", words: "loss" }], "loss in training", (v) => fixed(v, 3)),
      chart([{ values: epochs.map((epoch) => epoch.accuracy), kind: "line-n", words: "training images" }, ...(tested ? [{ values: epochs.map((epoch) => number(epoch.test_top1)), kind: "line-p", words: "test images" }] : [])], "accuracy", (v) => percent(v)));
  }
  function scorecard(card) {
    const groups = new Map();
    for (const figure of card.figures) {
      if (!groups.has(figure.key.group)) groups.set(figure.key.group, []);
      groups.get(figure.key.group).push(figure);
    }
    const order = ["head", "backbone", ...card.ways];
    return [h("h2", {}, "Scorecard"), h("p", { class: "quiet small" }, `Measures of the explanations beside other ways to explain, on ${plural(card.image_count, card.split + " image")}. Bold: the best of a row.`),
      Array.from(groups, ([group, figures]) => {
        const ways = order.filter((way) => figures.some((figure) => figure.key.way === way));
        const rows = new Map();
        for (const figure of figures) {
          const k = figure.key;
          const words = [k.metric, k.model, k.fill, k.k === null || k.k === undefined ? null : `k = ${k.k}`, k.threshold === null || k.threshold === undefined ? null : `at ${k.threshold}`].filter(Boolean).join(", ");
          const id = words + k.formula;
          if (!rows.has(id)) rows.set(id, { words, formula: k.formula, better: k.better, values: new Map() });
          rows.get(id).values.set(k.way, figure.value);
        }
        return h("details", {}, h("summary", {}, group), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": group }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, ""), ways.map((way) => h("th", { class: "number" }, way)))),
          h("tbody", {}, Array.from(rows.values(), (row) => {
            const all = Array.from(row.values.values());
            const best = row.better && all.length > 1 ? (row.better === "higher" ? Math.max(...all) : Math.min(...all)) : null;
            return h("tr", {}, h("td", { title: row.formula }, row.words, row.better ? (row.better === "higher" ? " \u2191" : " \u2193") : ""), ways.map((way) => { const value = row.values.get(way); return h("td", { class: "number" }, value === undefined ? "" : h(value === best ? "b" : "span", {}, value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1).replace("-", "\u2212") : fixed(value, Math.abs(value) >= 100 ? 1 : 3))); }));
          })))));
      })];
  }
  async function imagesView() {
    title("Images");
    await whatIf();
    return [h("h1", {}, "Explained images"), filter("filter by class or file", model.images, (image, words) => image.path.toLowerCase().includes(words) || model.class_names[image.predicted].toLowerCase().includes(words) || (image.label !== null && image.label !== undefined && model.class_names[image.label].toLowerCase().includes(words)), (found) => paged(found, 48, "", imageTile))];
  }
  async function classesView() {
    title("Classes");
    await whatIf();
    const lines = model.classes.length ? classLines() : model.class_names.map((_, label) => ({ label, share: 2 }));
    return [h("h1", {}, "Classes"), filter("filter by name", lines, (line, words) => model.class_names[line.label].toLowerCase().includes(words) || String(line.label) === words, (found) => paged(found, 60, "wide", classTile))];
  }
  async function channelsView() {
    title("Channels");
    await whatIf();
    return [h("h1", {}, "Channels"), h("p", { class: "quiet" }, "Each shows the training picture in which it is strongest, the most used channel first."),
      names.size ? h("p", {}, h("button", { type: "button", onclick: () => save("names.yaml", namesFile()) }, "save names.yaml")) : null,
      filter("filter by number, name or class", byUse(), (line, words) => String(line.channel) === words || (names.get(line.channel) || "").toLowerCase().includes(words) || (line.label !== null && line.label !== undefined && model.class_names[line.label].toLowerCase().includes(words)), (found) => paged(found, 48, "", channelTile))];
  }
  async function confusionsView() {
    title("Confusions");
    await whatIf();
    const count = model.class_names.length;
    const parts = [h("h1", {}, "Confusions"), h("p", { class: "quiet" }, `${plural(model.confusions.reduce((sum, c) => sum + c.count, 0), "test image")} taken for another class.`)];
    if (count <= 400 && model.classes.length) {
      const canvas = h("canvas", { class: "matrix", width: count, height: count, role: "img", "aria-label": "confusion matrix: a row for each true class, a column for each predicted one; the table below says the same" });
      const context = canvas.getContext("2d");
      const pixels = context.createImageData(count, count);
      const put = (row, column, share, colour) => pixels.data.set([...colour, Math.round(255 * Math.min(1, 0.15 + share))], 4 * (row * count + column));
      model.classes.forEach((line, y) => { if (line.correct_count) put(y, y, line.correct_count / line.test_image_count - 0.15, [40, 130, 200]); });
      for (const c of model.confusions) put(c.label, c.predicted, (3 * c.count) / model.classes[c.label].test_image_count, [220, 100, 20]);
      context.putImageData(pixels, 0, 0);
      const says = h("p", { class: "small" }, "\u00a0");
      const cell = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientY - box.top, event.clientX - box.left].map((v) => Math.max(0, Math.min(count - 1, Math.floor((v / box.width) * count)))); };
      canvas.addEventListener("mousemove", (event) => {
        const [y, z] = cell(event);
        const hit = y === z ? model.classes[y].correct_count : (model.confusions.find((c) => c.label === y && c.predicted === z) || { count: 0 }).count;
        says.replaceChildren(classOf(y), " taken for ", classOf(z), `: ${hit} of ${model.classes[y].test_image_count}`);
      });
      canvas.addEventListener("click", (event) => { location.hash = `class-${cell(event)[0]}`; });
      parts.push(h("figure", {}, canvas, h("figcaption", {}, "A row for each true class, a column for each predicted one; blue: right, orange: confused.")), says);
    }
    parts.push(h("h2", {}, "The most frequent"), model.confusions.length ? h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "confusions" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "is"), h("th", {}, "taken for"), h("th", { class: "number" }, "images"))), h("tbody", {}, model.confusions.slice(0, 100).map((c) => h("tr", {}, h("td", {}, classLink(c.label)), h("td", {}, classLink(c.predicted)), h("td", { class: "number" }, c.count)))))) : h("p", {}, "none"));
    return parts;
  }
  async function aboutView() {
    title("How to read these pages");
    await whatIf();
    return [h("h1", {}, "How to read these pages"),
      h("p", {}, "A network has learned from many pictures to find patterns. This model sorts what it finds into channels: each channel responds to one kind of thing, such as a dotted wing. What a channel stands for is shown, not told: by the training pictures in which it responds most strongly, cut out around the place where it does."),
      h("p", {}, model.reading === "mean" ? "For a new picture, the mean of a channel\u2019s response over the picture, times a weight that the class gives the channel, is what the channel adds to the score of that class; the page shows it at the place where the channel is strongest." : "For a new picture, each channel looks for the one place where it responds most. The response times a weight that the class gives the channel is what the channel adds to the score of that class.", " Nothing else goes into a score, but for a fixed bias. So the parts on a page add up to the score exactly, and the class with the highest score is what the model predicts. ", model.loss === "binary_cross_entropy" ? "Each class has a probability of its own, from its score." : "The probability is computed from the scores of all classes (softmax)."),
      h("h2", {}, "A row"), h("p", {}, "\u201cThis looks like these: +2.17\u201d. On the left a part of the picture, magnified; beside it parts of training pictures, in which the same channel responds; then what it adds. Blue speaks for the class, orange against it. A channel can also respond the opposite way, which speaks against the classes that use it: \u201cits opposite\u201d shows the training pictures in which it does so most. Rows about the same place are together. The grey picture shows what each place adds, by all its channels. Numbers are rounded, so that the last digit of a sum may differ."),
      h("p", {}, "A contribution means something in comparison with other classes: choose one under \u201cand not\u201d to see which parts decide between two classes."),
      h("h2", {}, "What if"), h("p", {}, "Switch a channel off, or weigh it otherwise, for all classes or for one only, and all scores are computed again, as the program would with the changed weights. Save the edit list, and make a model of it with "), h("pre", {}, "infodisent edit --checkpoint RUN --edits edits.json --output EDITED"),
      h("h2", {}, "Names"), h("p", {}, "Give a channel a name on its page. Save names.yaml into the folder of the run, and all pages show the names. To keep them in a checkpoint, so that they go wherever it goes:"), h("pre", {}, "infodisent edit --checkpoint RUN --names names.yaml --output NAMED"),
      h("h2", {}, "Keys"), h("table", {}, h("tbody", {}, [["/", "find a class, a channel or an image"], ["\u2190 \u2192", "the one before, the next one"], ["Esc", "close a picture"]].map(([key, words]) => h("tr", {}, h("td", {}, h("b", {}, key)), h("td", {}, words))))),
      h("h2", {}, "Addresses"), h("p", {}, "Everything has an address that can be kept: #channel-28, #class-3, #image-12, #image-12/class-3/versus-5.")];
  }
  const missing = (kind, id) => [h("h1", {}, "Not here"), h("p", {}, `There is no ${kind} ${plain(String(id), 40)} on these pages. `, link("model", "To the model"))];

  // ------------------------------------------------------------------ Addresses
  const pages = { model: modelView, images: imagesView, classes: classesView, channels: channelsView, confusions: confusionsView, about: aboutView };

  function parse() {
    let text = location.hash.slice(1);
    try { text = decodeURIComponent(text); } catch (_) { /* Taken as it is. */ }
    const [head, ...rest] = text.split("/");
    const options = { label: null, versus: undefined, check: false };
    for (const part of rest) {
      const match = /^(class|versus)-(\d+)$/.exec(part);
      if (match) options[match[1] === "class" ? "label" : "versus"] = Number(match[2]);
      if (part === "versus-none") options.versus = null;
      if (part === "check") options.check = true;
      const edits = /^factors-(.+)$/.exec(part);
      if (edits) {
        factors.clear();
        classFactors.clear();
        for (const pair of edits[1].split(",")) {
          const match = /^(?:(\d+)\.)?(\d+):([\d.eE-]+)$/.exec(pair);
          if (!match) continue;
          const [label, channel, factor] = [match[1] === undefined ? null : Number(match[1]), Number(match[2]), Number(match[3])];
          if (channel < model.channel_count && (label === null || label < model.class_names.length) && factor >= 0 && factor <= 1000) setFactor(channel, label, factor);
        }
      }
    }
    const dash = head.indexOf("-");
    return { head: head || (model.classes.length || model.images.length !== 1 ? "model" : `image-${model.images[0].id}`), kind: dash < 0 ? "" : head.slice(0, dash), id: dash < 0 ? "" : head.slice(dash + 1), options };
  }
  function title(text) { document.title = text + " \u00b7 InfoDisent"; }

  let turn = 0;
  async function render(inPlace) {
    const own = ++turn;
    const active = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
    let { head, kind, id, options } = parse();
    if (!kind && head.startsWith("image-")) [kind, id] = ["image", head.slice(6)];
    let content;
    try {
      if (kind === "image") content = await imageView(id, options);
      else if (kind === "channel") content = await channelView(Number(id));
      else if (kind === "class") content = await classView(Number(id));
      else if (Object.hasOwn(pages, head)) content = await pages[head]();
      else content = missing("page", head);
    } catch (error) {
      content = [h("h1", {}, "This cannot be shown"), h("p", {}, String(error.message || error))];
    }
    if (own !== turn) return;
    const main = byId("content");
    const offset = window.scrollY;
    main.replaceChildren();
    fill(main, {}, content);
    for (const a of document.querySelectorAll("#nav a")) {
      if (a.getAttribute("href") === "#" + (kind ? kind + (kind === "class" ? "es" : "s") : head)) a.setAttribute("aria-current", "page");
      else a.removeAttribute("aria-current");
    }
    window.scrollTo(0, inPlace ? offset : 0);
    if (inPlace && active) {
      const same = main.querySelector(`[data-key="${active}"]`);
      if (same) same.focus({ preventScroll: true });
    }
    document.documentElement.dataset.ready = String(own);
  }

  function step(direction) {
    const { kind, id } = parse();
    const lists = { image: model.images.map((image) => image.id), channel: byUse().map((line) => String(line.channel)), class: model.class_names.map((_, label) => String(label)) };
    const list = lists[kind];
    if (!list) return;
    const next = list[list.indexOf(id) + direction];
    if (next !== undefined) location.hash = `${kind}-${next}`;
  }
  function find(text) {
    const words = text.trim().toLowerCase();
    if (!words) return [];
    const found = [];
    const number = /^(?:channel\s*)?(\d+)$/.exec(words);
    if (number && known.has(Number(number[1]))) found.push([`channel-${Number(number[1])}`, channelName(Number(number[1]))]);
    for (const [k, name] of names) if (found.length < 12 && name.toLowerCase().includes(words) && known.has(k)) found.push([`channel-${k}`, channelName(k)]);
    for (let y = 0; y < model.class_names.length && found.length < 16; y++) if (model.class_names[y].toLowerCase().includes(words)) found.push([`class-${y}`, "class " + classText(y, 80)]);
    for (const image of model.images) {
      if (found.length >= 20) break;
      if (image.path.toLowerCase().includes(words)) found.push([`image-${image.id}`, "image " + plain(image.path, 80)]);
    }
    return found;
  }
  async function start() {
    model = await load("overview");
    bias = model.bias ? floats(model.bias) : null;
    known = new Map(model.channels.map((line) => [line.channel, line]));
    recallNames();
    const entries = [["model", "Model"], ["images", "Images"], ["classes", "Classes"], ["channels", "Channels"], ...(model.classes.length ? [["confusions", "Confusions"]] : []), ["about", "How to read this"]];
    byId("nav").replaceChildren(...entries.map(([address, words]) => link(address, words)));
    const input = byId("find");
    const list = byId("found");
    const close = () => list.replaceChildren();
    input.addEventListener("input", () => {
      list.replaceChildren(...find(input.value).map(([address, words]) => h("li", {}, h("a", { href: "#" + address, onclick: () => { input.value = ""; close(); } }, h("bdi", {}, words)))));
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { const first = list.querySelector("a"); if (first) first.click(); }
      if (event.key === "Escape") { input.value = ""; close(); }
      if (event.key === "ArrowDown") { const first = list.querySelector("a"); if (first) { first.focus(); event.preventDefault(); } }
    });
    document.addEventListener("click", (event) => { if (!event.target.closest(".search")) close(); });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
      if (event.key === "/") { input.focus(); event.preventDefault(); }
      if (event.key === "ArrowLeft") step(-1);
      if (event.key === "ArrowRight") step(1);
    });
    byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("content").focus(); });
    window.addEventListener("hashchange", () => render(false));
    await render(false);
  }
  start().catch((error) => byId("content").replaceChildren(h("h1", {}, "This report cannot be read"), h("p", {}, String(error.message || error))));
})();
