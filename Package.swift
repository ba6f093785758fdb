// swift-tools-version: 6.2
import PackageDescription

// Floors, bottom up; a target imports only targets below it.
let package = Package(
  name: "kubepath",
  products: [
    .library(
      name: "Kubepath",
      targets: [
        "Wire", "Input", "Findings", "Ruleset", "Snapshot", "KernelSource", "Intent", "CaptureFile", "PacketPath",
        "ServiceMap",
        "CaptureAnalysis", "Journey", "Diagnosis", "Report",
      ]),
    .executable(name: "kubepath", targets: ["kubepath"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // 0
    .target(name: "Wire"),
    .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    .systemLibrary(name: "CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
    .systemLibrary(name: "CPrefetch"),
    .systemLibrary(name: "CScan"),
    // 1
    .target(name: "Input", dependencies: ["Wire", "CSimdjson", "CZlib", "CZstd", "CLibYAML"]),
    .target(name: "Findings", dependencies: ["Wire"]),
    .target(name: "Ruleset", dependencies: ["Wire", "Input", "CPrefetch"]),
    // 2
    .target(name: "Snapshot", dependencies: ["Wire", "Input", "Ruleset", "CScan"]),
    .target(name: "CaptureFile", dependencies: ["Wire", "Input", "CPcap", "CZlib", "CZstd"]),
    .target(name: "KernelSource", dependencies: ["Wire", "Input", "Ruleset", "Snapshot", "CMnl"]),
    .target(name: "Intent", dependencies: ["Wire", "Input"]),
    // 3
    .target(name: "PacketPath", dependencies: ["Wire", "Input", "Ruleset", "Snapshot"]),
    .target(name: "ServiceMap", dependencies: ["Wire", "Findings", "Ruleset", "Snapshot", "Intent", "PacketPath"]),
    .target(name: "CaptureAnalysis", dependencies: ["Wire", "Input", "Findings", "CaptureFile", "CPrefetch"]),
    // 4
    .target(name: "Journey", dependencies: ["Wire", "Ruleset", "Snapshot", "Intent", "PacketPath"]),
    // 5
    .target(
      name: "Diagnosis",
      dependencies: [
        "Journey", "Wire", "Input", "Findings", "Ruleset", "Snapshot", "Intent", "PacketPath", "ServiceMap",
        "CaptureAnalysis",
      ]),
    .target(
      name: "ConversationStore",
      dependencies: ["CaptureAnalysis", "Findings", "Input", "Wire", .product(name: "GRDB", package: "GRDB.swift")]),
    // 6
    .target(
      name: "Report",
      dependencies: [
        "Wire", "Input", "Findings", "Ruleset", "Snapshot", "PacketPath", "CaptureAnalysis", "ServiceMap", "Diagnosis",
        "Journey",
      ]),
    // 7
    .executableTarget(
      name: "kubepath",
      dependencies: [
        "Journey",
        "Wire", "Input", "Findings", "Ruleset", "Snapshot", "PacketPath", "Report", "CaptureFile", "CaptureAnalysis",
        "KernelSource", "CZlib",
        "Intent", "ServiceMap", "Diagnosis", "ConversationStore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // Times whole processes beside their peers; nothing depends on it.
    .executableTarget(name: "kubepath-bench"),
    // The kernel as the judge: makes nodes in network namespaces and records what becomes of packets.
    .target(name: "KernelLab", dependencies: ["Wire"], path: "Tests/KernelLab"),
    .target(
      name: "FuzzSupport",
      dependencies: [
        "Wire", "Input", "Snapshot", "Intent", "PacketPath", "CaptureFile", "CaptureAnalysis", "Diagnosis",
      ], path: "Tests/FuzzSupport"),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzSupport", "Wire", "Input", "Ruleset", "Snapshot", "PacketPath"]),
    .testTarget(
      name: "PacketPathKernelTests",
      dependencies: ["KernelLab", "Wire", "Findings", "Snapshot", "Intent", "PacketPath", "Diagnosis", "kubepath"]),
    // Tests
    .testTarget(name: "WireTests", dependencies: ["Wire"]),
    .testTarget(name: "FindingsTests", dependencies: ["Findings"]),
    .testTarget(name: "InputTests", dependencies: ["Input", "CZlib", "CZstd"]),
    .testTarget(name: "SnapshotTests", dependencies: ["FuzzSupport", "Input", "Ruleset", "Snapshot", "Wire"]),
    .testTarget(name: "PacketPathTests", dependencies: ["Wire", "Input", "Ruleset", "Snapshot", "PacketPath"]),
    .testTarget(
      name: "JourneyTests",
      dependencies: ["Journey", "Diagnosis", "Findings", "Input", "Intent", "PacketPath", "Snapshot", "Wire"]),
    .testTarget(
      name: "ReportTests",
      dependencies: [
        "CaptureAnalysis", "Diagnosis", "Intent", "Wire", "Input", "Findings", "Snapshot", "PacketPath", "Report",
      ]),
    .testTarget(name: "NftTests", dependencies: ["Wire", "Input", "Ruleset", "Snapshot"]),
    .testTarget(
      name: "KernelSourceTests", dependencies: ["KernelSource", "Input", "PacketPath", "Ruleset", "Snapshot", "Wire"]),
    .testTarget(name: "IntentTests", dependencies: ["Intent", "Input", "Wire"]),
    .testTarget(
      name: "DiagnosisTests",
      dependencies: [
        "Diagnosis", "Journey", "ServiceMap", "Intent", "PacketPath", "Snapshot", "Ruleset", "Findings", "Input", "Wire",
        "CaptureAnalysis", "CaptureFile", "Report", "kubepath",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["Answers/Golden", "CommandLine/Golden"]),
    .testTarget(name: "CaptureFileTests", dependencies: ["CaptureFile", "Wire"]),
    .testTarget(
      name: "CaptureAnalysisTests", dependencies: ["CaptureAnalysis", "CaptureFile", "Findings", "FuzzSupport", "Wire"]),
    .testTarget(
      name: "ConversationStoreTests",
      dependencies: [
        "ConversationStore", "CaptureAnalysis", "CaptureFile", "Wire", .product(name: "GRDB", package: "GRDB.swift"),
      ]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

// FUZZ=1 swift build -c release --product fuzz --scratch-path .build-fuzz --sanitize fuzzer
// SEEDS=FOLDER .build-fuzz/release/fuzz; TARGET=ipset .build-fuzz/release/fuzz FOLDER/ipset -max_total_time=60
if Context.environment["FUZZ"] != nil {
  package.targets += [
    .target(name: "CMemoryPeak", path: "Tests/CMemoryPeak"),
    .executableTarget(name: "fuzz", dependencies: ["Input", "FuzzSupport", "CMemoryPeak"]),
  ]
}
