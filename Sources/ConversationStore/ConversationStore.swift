import CaptureAnalysis
import Findings
import GRDB
import Glibc
import Input
import Wire

/// What a capture holds as an SQLite database, to be asked with SQL. A file of that name is replaced.
///
/// - `captures`: one row per file read, in the order given: `id` (from 0; what `file` columns refer to), `file`, `format`,
///   `link_types`, `frames`, `dropped`, `interfaces`, `damage` (NULL where the file is whole).
/// - `conversations`: one row per 5-tuple and tunnel; a port used again has a row of its own. `id`, `protocol`, `client`,
///   `client_port`, `server`, `server_port`, `tunnel` (empty outside of tunnels), `packets_out`, `packets_in`,
///   `bytes_out`, `bytes_in`, `start` (seconds since 1970), `duration` (seconds), `first_file`, `first_frame`,
///   `last_frame`, `retransmissions`, `resets`, `zero_windows`, `handshake_ms` and `slowest_response_ms` (NULL where not
///   known), `mss_client`, `mss_server` (0 not known), `server_name` (of TLS), `state` (`syn-only`, `refused`, `reset`,
///   `closed`, `open`; empty for other protocols than TCP). Names and meaning are those of the CSV file.
/// - `findings`: `id` (the order of importance), `finding` (the catalogue's id), `severity`, `confidence`, `kind`, `name`,
///   `port`, `problem`, `cause`, `evidence` and `fix` (one a line).
///
/// Indexes: `conversations` by `(server, server_port)`, `client`, `start`, `state` and `server_name`; `findings` by
/// `finding`. `PRAGMA user_version` is the schema's version, 1.
public enum ConversationStore {
  public static let schemaVersion = 1

  static let schema = """
    CREATE TABLE captures (
      id INTEGER PRIMARY KEY, file TEXT NOT NULL, format TEXT NOT NULL, link_types TEXT NOT NULL,
      frames INTEGER NOT NULL, dropped INTEGER NOT NULL, interfaces TEXT NOT NULL, damage TEXT
    );
    CREATE TABLE conversations (
      id INTEGER PRIMARY KEY, protocol TEXT NOT NULL, client TEXT NOT NULL, client_port INTEGER NOT NULL,
      server TEXT NOT NULL, server_port INTEGER NOT NULL, tunnel TEXT NOT NULL,
      packets_out INTEGER NOT NULL, packets_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL,
      start REAL NOT NULL, duration REAL NOT NULL,
      first_file INTEGER NOT NULL REFERENCES captures(id), first_frame INTEGER NOT NULL, last_frame INTEGER NOT NULL,
      retransmissions INTEGER NOT NULL, resets INTEGER NOT NULL, zero_windows INTEGER NOT NULL,
      handshake_ms REAL, slowest_response_ms REAL, mss_client INTEGER NOT NULL, mss_server INTEGER NOT NULL,
      server_name TEXT NOT NULL, state TEXT NOT NULL
    );
    CREATE TABLE findings (
      id INTEGER PRIMARY KEY, finding TEXT NOT NULL, severity TEXT NOT NULL, confidence TEXT NOT NULL,
      kind TEXT NOT NULL, name TEXT, port TEXT, problem TEXT NOT NULL, cause TEXT NOT NULL, evidence TEXT NOT NULL,
      fix TEXT NOT NULL
    );
    """

  /// After the rows: building an index once is cheaper than keeping it up to date.
  static let indexes = """
    CREATE INDEX conversations_server ON conversations(server, server_port);
    CREATE INDEX conversations_client ON conversations(client);
    CREATE INDEX conversations_start ON conversations(start);
    CREATE INDEX conversations_state ON conversations(state);
    CREATE INDEX conversations_server_name ON conversations(server_name);
    CREATE INDEX findings_finding ON findings(finding);
    """

  public static func write(
    _ analyzer: borrowing CaptureAnalyzer, captures: [CaptureSummary], findings: [Finding], to path: String
  ) throws(InputError) {
    try remove(path)
    do {
      var configuration = Configuration()
      configuration.allowsUnsafeTransactions = true
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      // The analyzer cannot be taken along into GRDB's closure: rows go over in bounded batches, in one transaction.
      try queue.inDatabase { database in
        try database.execute(sql: "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; BEGIN;" + schema)
        for (index, capture) in captures.enumerated() { try insert(capture, index, database) }
      }
      var batch: [ConversationRow] = []
      var failure: (any Error)?
      analyzer.forEachConversation { row in
        guard failure == nil else { return }
        batch.append(row)
        guard batch.count == 4096 else { return }
        do { try insert(batch, queue) } catch { failure = error }
        batch.removeAll(keepingCapacity: true)
      }
      if let failure { throw failure }
      try insert(batch, queue)
      try queue.inDatabase { database in
        for (index, finding) in findings.enumerated() { try insert(finding, index, database) }
        try database.execute(sql: indexes + "PRAGMA user_version = \(schemaVersion); COMMIT;")
      }
      try queue.close()
    } catch {
      throw InputError(path: path, reason: (error as? DatabaseError)?.message ?? "\(error)")
    }
  }

  /// An older database goes; anything else of that name stays, and is complained about.
  private static func remove(_ path: String) throws(InputError) {
    guard let file = fopen(path, "r") else {
      if errno == ENOENT { return }
      throw InputError(path: path, errno: errno)
    }
    var magic = [UInt8](repeating: 0, count: 16)
    let got = fread(&magic, 1, 16, file)
    fclose(file)
    guard got == 0 || magic.starts(with: "SQLite format 3\0".utf8) else {
      throw InputError(path: path, reason: "exists and is not an SQLite database; it is left as it is")
    }
    guard unlink(path) == 0 else { throw InputError(path: path, errno: errno) }
  }

  private static func insert(_ rows: [ConversationRow], _ queue: DatabaseQueue) throws {
    guard !rows.isEmpty else { return }
    try queue.inDatabase { database in
      let statement = try database.cachedStatement(
        sql: "INSERT INTO conversations VALUES (NULL" + String(repeating: ",?", count: 24) + ")")
      for row in rows {
        let values: [(any DatabaseValueConvertible)?] = [
          row.proto.description, row.client.description, Int(row.clientPort), row.server.description,
          Int(row.serverPort), row.tunnel, row.packetsOut, row.packetsIn, row.bytesOut, row.bytesIn,
          Double(row.start) / 1e9, Double(row.end - row.start) / 1e9, row.firstFrame.file, row.firstFrame.number,
          row.lastFrame.number, row.retransmissions, row.resets, row.zeroWindows,
          row.handshake < 0 ? nil : Double(row.handshake) / 1e6,
          row.slowestResponse <= 0 ? nil : Double(row.slowestResponse) / 1e6, row.mssClient, row.mssServer,
          row.serverName, row.state,
        ]
        try statement.execute(arguments: StatementArguments(values))
      }
    }
  }

  private static func insert(_ capture: CaptureSummary, _ index: Int, _ database: Database) throws {
    try database.execute(
      sql: "INSERT INTO captures VALUES (?,?,?,?,?,?,?,?)",
      arguments: [
        index, capture.file, capture.format, capture.linkTypes.joined(separator: " "), capture.packets,
        capture.dropped, capture.interfaces.joined(separator: " "), capture.damage?.description,
      ])
  }

  private static func insert(_ finding: Finding, _ index: Int, _ database: Database) throws {
    let evidence = finding.evidence.map { item in
      let place = item.frame.map { "frame \($0): " } ?? item.line.map { "\(item.file ?? ""):\($0): " } ?? ""
      return place + item.fullText
    }
    try database.execute(
      sql: "INSERT INTO findings VALUES (?,?,?,?,?,?,?,?,?,?,?)",
      arguments: [
        index, finding.id, finding.severity.rawValue, finding.confidence.rawValue, finding.subject.kind,
        finding.subject.name, finding.subject.port, finding.problem, finding.cause,
        evidence.joined(separator: "\n"), finding.fix.map(\.text).joined(separator: "\n"),
      ])
  }
}
