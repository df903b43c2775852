import MessagePassing
import RunConfiguration
import Tensors

extension Experiment {
    /// The experiment of several ranks: one of each host lists the dataset and hashes the weights, and then all make sure that
    /// they have the same. Collective.
    ///
    /// - Parameter rewording: gives an error of a rank the words of the caller.
    /// - Throws: on all ranks, the error of the first that cannot read its dataset or weights, or
    ///   `ExperimentError.ranksDiffer` naming the first rank that has something else than rank 0.
    public init(
        _ configuration: RunConfiguration, on communicator: any Communicator, makesCache: Bool = false,
        team: WorkerTeam = WorkerTeam(), rewording: (any Error) -> any Error = { $0 }
    ) throws {
        communicator.activity.begin(step: 0, "reading the dataset's listing and the weights")
        func together(_ body: () throws -> Experiment?) throws -> Experiment? {
            try communicator.together {
                // A million images on a network file system take their time.
                try communicator.activity.allowing(.seconds(3600)) {
                    do { return try body() } catch { throw rewording(error) }
                }
            }
        }
        let sharingRanks = try HostFindings.sharingRanks(configuration, on: communicator)
        let own = try together {
            guard sharingRanks[0] == communicator.rank else { return nil }
            return try Experiment(configuration, makesCache: makesCache, team: team)
        }
        let findings = try own.map(HostFindings.init).shared(among: sharingRanks, on: communicator)
        let experiment = try together {
            if let own { return own }
            guard let findings else { return try Experiment(configuration, makesCache: makesCache, team: team) }
            return try Experiment(
                configuration, dataset: { _ in findings.dataset }, weightDigest: { _ in findings.weightDigest })
        }
        guard let experiment else { preconditionFailure("every rank has an experiment or throws") }
        self = experiment
        try RankFacts.requireEqual(facts, on: communicator)
    }

    /// What must be the same on all ranks: everything that results depend on, and where features are kept. Other places
    /// of files may differ.
    private var facts: [RankFacts.Fact] {
        let identity = cacheIdentity
        let entries = configuration.entries.filter {
            $0.key == "cache.location" || !RunConfiguration.locationKeys.contains($0.key)
        }
        return entries.map { .init(name: $0.key, value: $0.value) } + [
            .init(name: "head.start", value: configuration.head.start == nil ? "not set" : "set"),
            .init(name: "dataset (fingerprint)", value: "\(identity.datasetFingerprint)"),
            .init(name: "weight file (SHA-256)", value: "\(identity.weightDigest)"),
            .init(name: "input preset", value: "\(identity.input)"),
            .init(name: "feature map", value: "\(identity.featureMap)"),
        ]
    }
}

/// What ranks tell each other to make sure that they work on the same thing.
package enum RankFacts {
    package struct Fact: Equatable {
        let name: String
        let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Compares the facts of all ranks with those of rank 0. Collective.
    /// - Throws: on all ranks alike, `ExperimentError.ranksDiffer` for the lowest rank that differs.
    package static func requireEqual(_ facts: [Fact], on communicator: any Communicator) throws {
        guard communicator.size > 1 else { return }
        // Zero bytes occur in no value.
        let text = facts.map { "\($0.name)\0\($0.value)" }.joined(separator: "\0")
        let texts = try communicator.allGather(Array(text.utf8))
        let hosts = try communicator.allGather(Array(communicator.hostName.utf8))
        guard let rank = texts.firstIndex(where: { $0 != texts[0] }) else { return }
        let (expected, found) = (Self.facts(texts[0]), Self.facts(texts[rank]))
        let names = expected.map(\.name) + found.map(\.name).filter { name in !expected.contains { $0.name == name } }
        let differences = names.compactMap { name -> String? in
            let values = [found, expected].map { list in list.first { $0.name == name }?.value ?? "not set" }
            return values[0] == values[1] ? nil : "\(name) is \(values[0]) there and \(values[1]) on rank 0"
        }
        throw ExperimentError.ranksDiffer(
            rank: rank, host: String(decoding: hosts[rank], as: UTF8.self),
            rank0Host: String(decoding: hosts[0], as: UTF8.self), differences: differences)
    }

    private static func facts(_ text: [UInt8]) -> [Fact] {
        let parts = text.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        return stride(from: 0, to: parts.count - 1, by: 2).map { Fact(name: parts[$0], value: parts[$0 + 1]) }
    }
}
