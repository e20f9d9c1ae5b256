// A witness: cosigns a log's checkpoints, and only those that extend the last one it saw.
//
// Why this file exists: the C2SP tlog-witness protocol (v1.0.0) as a function over request bodies,
// so that tests and a fuzzer drive it without a socket. What it has cosigned is on disk before it
// answers.
#pragma once

#include "store/merkle.h"
#include "store/note.h"

#include <filesystem>
#include <map>

namespace rollcall::net {

struct Reply {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// The parts of an add-checkpoint request: `old <size>`, proof lines, blank line, checkpoint.
struct AddCheckpoint {
  std::uint64_t old_size = 0;
  std::vector<store::Hash> proof;
  store::note::Note checkpoint;
};
[[nodiscard]] store::Result<AddCheckpoint> parse_add_checkpoint(std::string_view body);
[[nodiscard]] std::string render_add_checkpoint(std::uint64_t old_size,
                                                std::span<const store::Hash> proof,
                                                const std::string& checkpoint);

class Witness {
 public:
  /// `directory` keeps the last checkpoint of each log; `logs` are the keys of those it knows.
  Witness(std::filesystem::path directory, store::note::Signer signer,
          std::vector<store::note::Verifier> logs);

  /// One request at a time. `unix_seconds` goes into the cosignature.
  [[nodiscard]] Reply add_checkpoint(std::string_view body, std::uint64_t unix_seconds);
  /// GET /<hex sha256(origin)>/checkpoint: the last one cosigned.
  [[nodiscard]] Reply last_checkpoint(std::string_view origin_hash) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(std::string_view origin) const;
  std::filesystem::path directory_;
  store::note::Signer signer_;
  std::vector<store::note::Verifier> logs_;
};

}  // namespace rollcall::net
