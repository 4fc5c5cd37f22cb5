import TimeCoinControl

/// Scripts that teach a shell what the commands are, from the tables that the program itself goes by.
enum Completions {
    private static let shells = ["bash", "zsh", "fish"]
    /// What may follow a verb.
    private static let words: KeyValuePairs = [
        "wallet": ["unlock", "lock", "address"], "consensus": ["explain"], "completions": shells,
        "help": RPCMethod.all.map(\.name),
    ]

    static func script(for words: [String]) throws(UsageFailure) -> String {
        switch words {
        case ["bash"]: bash
        case ["zsh"]: zsh
        case ["fish"]: fish
        default:
            throw UsageFailure(
                message: "usage: timecoin-cli completions bash|zsh|fish",
                hint: "for example: source <(timecoin-cli completions bash)")
        }
    }

    private static var bash: String {
        let paths = CommandOption.all.filter { $0.value.isPath }.map(\.name).joined(separator: "|")
        let afterOptions = CommandOption.all.compactMap { option in
            option.value.choices.map { "        \(option.name)) choices='\($0.joined(separator: " "))' ;;" }
        }
        let afterVerbs = words.map { "        \($0)) choices='\($1.joined(separator: " "))' ;;" }
        return """
            # Completion of timecoin-cli for bash: source <(timecoin-cli completions bash)
            _timecoin_cli() {
                local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" choices
                case "$previous" in
                    \(paths)) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
                    --timeout) COMPREPLY=(); return ;;
            \((afterOptions + afterVerbs).joined(separator: "\n"))
                    *)
                        choices='\(Session.commands.map(\.name).joined(separator: " "))'
                        [[ $word != -* ]] || choices='\(CommandOption.all.map(\.name).joined(separator: " "))'
                        ;;
                esac
                mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
            }
            complete -F _timecoin_cli timecoin-cli
            """
    }

    private static var zsh: String {
        let commands = Session.commands.map {
            "        " + quoted($0.name + ":" + $0.summary.replacing(":", with: "\\:"), escape: #"'\''"#)
        }
        let options = CommandOption.all.map { option in
            let value =
                switch option.value {
                case .none: ""
                case .path: ":path:_files"
                case .seconds: ":seconds: "
                case .oneOf(let choices): ":value:(\(choices.joined(separator: " ")))"
                }
            return "        " + quoted("\(option.name)[\(option.summary)]\(value)", escape: #"'\''"#) + " \\"
        }
        let afterVerbs = words.map { "        \($0)) compadd \($1.joined(separator: " ")) ;;" }
        return """
            #compdef timecoin-cli
            # Completion of timecoin-cli for zsh: source <(timecoin-cli completions zsh)
            _timecoin_cli() {
                local -a commands
                commands=(
            \(commands.joined(separator: "\n"))
                )
                local context state state_descr line
                typeset -A opt_args
                _arguments -C \\
            \(options.joined(separator: "\n"))
                    '1:command:->command' '*::argument:->argument'
                case $state in
                    command) _describe command commands ;;
                    argument)
                        case $words[1] in
            \(afterVerbs.joined(separator: "\n"))
                        esac
                        ;;
                esac
            }
            if [[ $funcstack[1] == _timecoin_cli ]]; then
                _timecoin_cli "$@"
            else
                compdef _timecoin_cli timecoin-cli
            fi
            """
    }

    private static var fish: String {
        let start = "complete -c timecoin-cli"
        let commands = Session.commands.map {
            "\(start) -n __fish_use_subcommand -a \($0.name) -d \(quoted($0.summary, escape: #"\'"#))"
        }
        let options = CommandOption.all.map { option in
            let name = option.name.hasPrefix("--") ? "-l \(option.name.dropFirst(2))" : "-s o"
            let value =
                switch option.value {
                case .none: ""
                case .path: " -r -F"
                case .seconds: " -x"
                case .oneOf(let choices): " -x -a '\(choices.joined(separator: " "))'"
                }
            return "\(start) \(name)\(value) -d \(quoted(option.summary, escape: #"\'"#))"
        }
        let afterVerbs = words.map {
            "\(start) -n '__fish_seen_subcommand_from \($0)' -a '\($1.joined(separator: " "))'"
        }
        let lines =
            ["# Completion of timecoin-cli for fish: timecoin-cli completions fish | source", "\(start) -f"]
            + commands + options + afterVerbs
        return lines.joined(separator: "\n")
    }

    private static func quoted(_ text: String, escape: String) -> String {
        "'" + text.replacing("'", with: escape) + "'"
    }
}

extension CommandOption.Value {
    fileprivate var isPath: Bool {
        if case .path = self { true } else { false }
    }

    fileprivate var choices: [String]? {
        if case .oneOf(let choices) = self { choices } else { nil }
    }
}
