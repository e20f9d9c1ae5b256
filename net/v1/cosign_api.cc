// One request a witness, and a second one where it says which size it knows.
#include "net/v1/cosign_api.h"

#include "net/loop/http.h"
#include "net/v1/offload.h"
#include "store/tlog/merkle.h"
#include "store/tlog/witness.h"

namespace rollcall::net::inline v1 {
namespace {

namespace note = store::note;
using store::Errc;
using store::Error;
using store::Result;

/// What a witness said, fit for a sentence: it is untrusted.
std::string said(std::string_view text) {
  std::string out(text.substr(0, 200));
  while (out.ends_with('\n')) out.pop_back();
  for (char& c : out)
    if (c < 0x20 || c > 0x7E) c = '?';
  return out;
}

Result<std::vector<note::SignatureLine>> ask(const replay::Reader& reader,
                                             const store::SignedCheckpoint& made,
                                             const store::PolicyFile::Witness& witness,
                                             const std::stop_token& cancel) {
  note::Note own{made.note.text, {}};
  for (const auto& line : made.note.signatures)
    if (line.name == made.checkpoint.origin) own.signatures.push_back(line);
  const std::string text = note::render(own);
  std::uint64_t old_size = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto proof =
        store::merkle::consistency_proof(old_size, made.checkpoint.size, reader.log().nodes());
    if (!proof) return proof.error();
    const auto reply = post(witness.url + "/add-checkpoint",
                            store::render_add_checkpoint(old_size, *proof, text), {}, cancel);
    if (!reply) return reply.error();
    if (reply->status == 409 && attempt == 0) {
      std::string_view size = reply->body;
      if (size.ends_with('\n')) size.remove_suffix(1);
      const auto known = store::parse_decimal(size);
      if (!known || *known > made.checkpoint.size)
        return Error{Errc::Tampered,
                     fmt::format("witness {} knows size {} of this log, which has {}", witness.name,
                                 said(size), made.checkpoint.size)};
      old_size = *known;
      continue;
    }
    if (reply->status == 422)
      return Error{Errc::Tampered,
                   fmt::format("witness {} refuses: {}", witness.name, said(reply->body))};
    if (reply->status != 200)
      return Error{Errc::Incomplete, fmt::format("witness {} answers {}: {}", witness.name,
                                                 reply->status, said(reply->body))};
    std::vector<note::SignatureLine> lines;
    std::string_view rest = reply->body;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto line = note::parse_signature_line(rest.substr(0, end));
      if (line && note::verify(made.note.text, *line, witness.key)) lines.push_back(*line);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    if (lines.empty())
      return Error{Errc::Tampered,
                   fmt::format("witness {} sent no cosignature by its key", witness.name)};
    return lines;
  }
  return Error{Errc::Incomplete, fmt::format("witness {} does not settle on a size", witness.name)};
}

}  // namespace

std::vector<WitnessAnswer> ask_witnesses(const replay::Reader& reader,
                                         const store::SignedCheckpoint& made,
                                         const store::PolicyFile& policy,
                                         const std::stop_token& cancel) {
  std::vector<WitnessAnswer> out;
  for (const auto& witness : policy.witnesses)
    out.push_back({witness.name, ask(reader, made, witness, cancel)});
  return out;
}

Answer<Cosigned> CosignEndpoint::run(Call call, Request) {
  auto work = [&app = call.app]() -> Result<Cosigned> {
    const auto policy = store::store_policy(app.layout());
    if (!policy) return policy.error();
    Cosigned out;
    std::vector<note::SignatureLine> lines;
    std::optional<store::SignedCheckpoint> made;
    {
      auto writer = app.live().reading();
      if (!writer) return Error{Errc::Io, "the log is being opened anew: try again"};
      const auto reader = replay::Reader::beside(std::move(writer));
      const auto newest = store::newest_checkpoint(reader.log(), app.layout());
      if (!newest) return newest.error();
      if (!newest->newest)
        return Error{Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"};
      made = newest->newest;
      out.size = made->checkpoint.size;
      for (auto& answer : ask_witnesses(reader, *made, *policy, app.ending())) {
        CosignRow row{answer.name, 0, {}};
        if (answer.lines) {
          lines.insert(lines.end(), answer.lines->begin(), answer.lines->end());
        } else {
          row.exit = static_cast<std::uint64_t>(store::exit_code(answer.lines.error().code));
          row.problem = answer.lines.error().detail;
        }
        out.witnesses.push_back(std::move(row));
      }
    }
    if (lines.empty()) return out;
    const auto added =
        app.live().exclusively([&](store::Writer& writer, engine::Micros) -> Result<void> {
          RC_TRY(store::add_cosignatures(writer.log(), writer.layout(), *made, lines));
          return {};
        });
    if (!added) return added.error();
    return out;
  };
  co_return co_await offload<Cosigned>(call, std::move(work));
}

}  // namespace rollcall::net::inline v1
