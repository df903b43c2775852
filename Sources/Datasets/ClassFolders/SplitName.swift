/// What a folder's name says about the part of a data set that it holds: "train", "Testing", "training_set", "val.X1".
struct SplitName: Equatable {
    enum Role: Equatable {
        case train
        case test
        case validation
    }

    /// How sure a name is, surest first.
    enum Certainty: Int, Comparable {
        /// The word alone.
        case exact
        /// The word with what people put beside it, such as "set" or a number.
        case usual
        /// The word among others; "seg_train", but "steam_train" too. It counts only with what the folders hold.
        case hinted

        static func < (first: Certainty, second: Certainty) -> Bool { first.rawValue < second.rawValue }
    }

    let role: Role
    let certainty: Certainty
    /// The name's letters in lower case without its numbers: equal for pieces of one part, such as train.X1 and train.X2.
    let stem: String

    private static let words: [Role: Set<String>] = [
        .train: ["train", "training", "trainset", "trainingset"],
        .test: ["test", "testing", "testset", "testingset", "eval", "evaluation", "evalset"],
        .validation: ["val", "valid", "validation", "valset", "validset", "validationset", "dev", "devset"],
    ]
    private static let companions: Set<String> = [
        "set", "sets", "dataset", "data", "split", "x", "cropped", "image", "images", "img", "imgs", "photo", "photos",
        "picture", "pictures", "folder", "dir",
    ]

    /// Nil for a name without such a word, or with words of two parts ("train_test").
    init?(_ name: String) {
        let tokens = Self.tokens(of: name)
        let found = Self.words.filter { !$0.value.isDisjoint(with: tokens) }.map(\.key)
        guard found.count == 1, let role = found.first else { return nil }
        self.role = role
        stem = tokens.joined(separator: "_")
        let others = tokens.filter { !Self.words[role]!.contains($0) }
        if others.isEmpty && tokens.count == 1 && tokens[0] == name.lowercased() {
            certainty = .exact
        } else {
            certainty = others.allSatisfy(Self.companions.contains) ? .usual : .hinted
        }
    }

    /// The words of a name in lower case: runs of letters, parted where a capital follows a small letter.
    private static func tokens(of name: String) -> [String] {
        var tokens: [String] = []
        var token = ""
        var wasLower = false
        for character in name {
            if !character.isLetter || (wasLower && character.isUppercase) {
                if !token.isEmpty { tokens.append(token.lowercased()) }
                token = ""
            }
            if character.isLetter { token.append(character) }
            wasLower = character.isLowercase
        }
        if !token.isEmpty { tokens.append(token.lowercased()) }
        return tokens
    }
}
