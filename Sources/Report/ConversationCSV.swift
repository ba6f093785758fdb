import CaptureAnalysis
import Glibc
import Input
import Wire

/// All conversations of a capture as comma-separated values, one line each. Columns never change their names:
/// protocol, client, client_port, server, server_port, tunnel, packets_out, packets_in, bytes_out, bytes_in,
/// start (seconds since 1970), duration (seconds), first_frame, last_frame (of file `first_file`), retransmissions,
/// resets, zero_windows, handshake_ms, slowest_response_ms, mss_client, mss_server, server_name, state.
public enum ConversationCSV {
  static let header =
    "protocol,client,client_port,server,server_port,tunnel,packets_out,packets_in,bytes_out,bytes_in,start,duration,"
    + "first_file,first_frame,last_frame,retransmissions,resets,zero_windows,handshake_ms,slowest_response_ms,"
    + "mss_client,mss_server,server_name,state\n"

  public static func write(_ analyzer: borrowing CaptureAnalyzer, to path: String) throws(InputError) {
    guard let file = fopen(path, "w") else { throw InputError(path: path, errno: errno) }
    fputs(header, file)
    analyzer.forEachConversation { fputs(line($0), file) }
    guard fclose(file) == 0 else { throw InputError(path: path, errno: errno) }
  }

  static func line(_ row: ConversationRow) -> String {
    let seconds = { (value: Int64) in
      "\(value / 1_000_000_000).\(TimeText.pad(abs(value % 1_000_000_000), 9))"
    }
    let milliseconds = { (value: Int64) in value < 0 ? "" : TimeText.decimal(value, unit: 1_000_000, digits: 2) }
    let cells: [String] = [
      row.proto.description, row.client.description, String(row.clientPort), row.server.description,
      String(row.serverPort), row.tunnel, String(row.packetsOut), String(row.packetsIn), String(row.bytesOut),
      String(row.bytesIn), seconds(row.start), seconds(row.end - row.start), String(row.firstFrame.file),
      String(row.firstFrame.number), String(row.lastFrame.number), String(row.retransmissions), String(row.resets),
      String(row.zeroWindows), milliseconds(row.handshake), milliseconds(row.slowestResponse), String(row.mssClient),
      String(row.mssServer), cell(row.serverName), row.state,
    ]
    return cells.joined(separator: ",") + "\n"
  }

  /// A name from the wire: quoted, and never taken for a formula by a spreadsheet.
  static func cell(_ text: String) -> String {
    guard !text.isEmpty else { return "" }
    let guarded = "=+-@".contains(text.first!) ? "'" + text : text
    return "\"" + guarded.replacing("\"", with: "\"\"") + "\""
  }
}
