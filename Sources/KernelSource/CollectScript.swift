/// A shell script that collects what `NodeCollector` does, with standard tools only.
public enum CollectScript {
  public static var text: String {
    var out = """
      #!/bin/sh
      # Collects a node's network state for kubepath with standard tools; run as root.
      # Usage: sh collect.sh [FOLDER]     then: kubepath trace … -s FOLDER
      set -u
      # Others are not to read what this node's network looks like.
      umask 077
      LC_ALL=C
      export LC_ALL
      out=${1:-kubepath-$(uname -n)}
      mkdir -p "$out" || exit 1
      missing=""

      # run FILE COMMAND…: keeps what the command prints; a file of a failed command is not kept.
      run() {
        file=$1
        shift
        if ! command -v "$1" >/dev/null 2>&1; then
          missing="$missing    \\"$file: $1 is not installed\\",
      "
          return 0
        fi
        if command -v timeout >/dev/null 2>&1; then
          timeout 300 "$@" >"$out/$file" 2>/dev/null
        else
          "$@" >"$out/$file" 2>/dev/null
        fi
        status=$?
        if [ "$status" -ne 0 ]; then
          [ -s "$out/$file" ] || rm -f "$out/$file"
          missing="$missing    \\"$file: $* ended with status $status\\",
      "
        fi
      }

      PATH=$PATH:/usr/sbin:/sbin

      """
    for entry in NodeCollector.commands {
      let (file, command) = (entry.file, entry.command)
      // The key of TCP Fast Open is a secret.
      let isSettings = command[0] == "sysctl"
      let words = command.map(quoted).joined(separator: " ")
      let line =
        isSettings ? "run \(file) sh -c '\(words) | grep -v fastopen_key'" : "run \(file) \(words)"
      if command[0] == "cat" || command[0] == "find" {
        out += "if [ -e \(command[1]) ]; then \(line); fi\n"
      } else if NodeCollector.optionalPrograms.contains(command[0]) {
        out += "if command -v \(command[0]) >/dev/null 2>&1; then \(line); fi\n"
      } else if command[0].contains("legacy") {
        // Listing legacy tables creates them where none are in use.
        let family = command[0].hasPrefix("ip6") ? "ip6" : "ip"
        out += "if [ -s /proc/net/\(family)_tables_names ]; then \(line); fi\n"
      } else {
        out += line + "\n"
      }
    }
    out += "\nif command -v \(NodeCollector.cilium[0].command[0]) >/dev/null 2>&1; then\n"
    for entry in NodeCollector.cilium { out += "  run \(entry.file) \(entry.command.joined(separator: " "))\n" }
    out += """
      elif [ -e \(NodeCollector.ciliumSocket) ]; then
        missing="$missing    \\"\(NodeCollector.ciliumNote)\\",
      "
      fi

      """
    out += "\nif command -v kubectl >/dev/null 2>&1 && kubectl version --request-timeout=10s >/dev/null 2>&1; then\n"
    for object in NodeCollector.objects {
      let words = object.split(separator: " ").map(String.init)
      let scope = words.count > 1 ? words[1...].joined(separator: " ") : "--all-namespaces"
      out += "  run \(words[0]).json kubectl get \(words[0]) \(scope) -o json\n"
    }
    for object in NodeCollector.optionalObjects {
      out +=
        "  if kubectl get \(object) >/dev/null 2>&1; then run \(object).json kubectl get \(object) --all-namespaces -o json; fi\n"
    }
    out += """
      fi

      cat >"$out/manifest.json" <<END
      {
        "tool": "collect.sh of kubepath",
        "node": "$(uname -n)",
        "time": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
        "kernel": "$(uname -r)",
        "notRead": [
      $(printf '%s' "$missing" | sed '$ s/,$//')
        ]
      }
      END
      echo "wrote $out" >&2

      """
    return out
  }

  /// Words that a shell would read otherwise stand in single quotes.
  private static func quoted(_ word: String) -> String {
    word.contains(where: { "*$'{}; ".contains($0) }) ? "'\(word)'" : word
  }
}
