// A witness: cosigns a log's checkpoints, and only those that extend the last one it saw.
//
// Why this file exists: the C2SP tlog-witness protocol (v1.0.0) as a function over request bodies,
// so that tests and a fuzzer drive it without a socket. What it has cosigned is on disk before it
// answers.
#pragma once

#include "store/tlog/merkle.h"
#include "store/tlog/note.h"

#include <filesystem>
#include <map>

namespace rollcall::store::inline tlog {

struct WitnessReply {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// The parts of an add-checkpoint request: `old <size>`, proof lines, blank line, checkpoint.
struct AddCheckpoint {
  std::uint64_t old_size = 0;
  std::vector<Hash> proof;
  note::Note checkpoint;
};
[[nodiscard]] Result<AddCheckpoint> parse_add_checkpoint(std::string_view body);
[[nodiscard]] std::string render_add_checkpoint(std::uint64_t old_size, std::span<const Hash> proof,
                                                const std::string& checkpoint);

class Witness {
 public:
  /// `directory` keeps the last checkpoint of each log; `logs` are the keys of those it knows.
  Witness(std::filesystem::path directory, note::Signer signer, std::vector<note::Verifier> logs);

  /// One request at a time. `unix_seconds` goes into the cosignature.
  [[nodiscard]] WitnessReply add_checkpoint(std::string_view body, std::uint64_t unix_seconds);
  /// GET /<hex sha256(origin)>/checkpoint: the last one cosigned.
  [[nodiscard]] WitnessReply last_checkpoint(std::string_view origin_hash) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(std::string_view origin) const;
  std::filesystem::path directory_;
  note::Signer signer_;
  std::vector<note::Verifier> logs_;
};

}  // namespace rollcall::store::inline tlog
