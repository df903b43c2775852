import ArgumentParser
import NameSuggestions

/// Better words for mistakes on the command line that the parser reports as something else: a command that there is not, and an
/// option that there is not where a needed one is missing too.
enum CommandLineMistakes {
    /// What is wrong with `arguments`, in a sentence or two; nil if it is nothing of that kind.
    static func message(for arguments: [String], of root: ParsableCommand.Type) -> String? {
        var command = root
        var rest = arguments[...]
        while let name = rest.first, !command.configuration.subcommands.isEmpty {
            var known: [String] = []
            var called: ParsableCommand.Type?
            for subcommand in command.configuration.subcommands {
                known.append(subcommand._commandName)
                if known.last == name { called = subcommand }
            }
            guard let next = called else {
                guard !name.hasPrefix("-"), name != "help" else { return nil }
                return "'\(name)' is not a command. " + (NameSuggestions.sentence(for: name, among: known) ?? "")
            }
            command = next
            rest = rest.dropFirst()
        }
        return unknownOption(in: rest, of: command, under: root)
    }

    private static func unknownOption(
        in arguments: ArraySlice<String>, of command: ParsableCommand.Type, under root: ParsableCommand.Type
    ) -> String? {
        let known = optionNames(of: root.helpMessage(for: command))
        var takesAny = false
        for argument in arguments {
            if argument == "--" { return nil }
            // What follows --set may begin with anything.
            if takesAny {
                takesAny = false
                continue
            }
            takesAny = argument == "--set"
            let name = String(argument.prefix { $0 != "=" })
            guard name.hasPrefix("-"), name.count > 1, Double(name) == nil, !known.contains(name) else { continue }
            let suggestion = NameSuggestions.sentence(for: name, among: known.sorted(), listedLimit: 0) ?? ""
            return "'\(name)' is not an option of \(command._commandName). \(suggestion)"
                + (suggestion.isEmpty ? "" : " ") + "--help lists them."
        }
        return nil
    }

    /// The options that a help text lists at the beginning of lines.
    static func optionNames(of help: String) -> Set<String> {
        var names: Set<String> = []
        for line in help.split(separator: "\n") where line.hasPrefix("  -") {
            for word in line.split(whereSeparator: { " ,/".contains($0) }) {
                guard word.hasPrefix("-") else { break }
                names.insert(String(word))
            }
        }
        return names
    }
}
