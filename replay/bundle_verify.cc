// Checking bundles: everything in them is untrusted until it hashes to a signature.
#include "replay/bundle.h"
#include "store/state_digest.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::replay {
namespace {

namespace merkle = store::merkle;
namespace note = store::note;
using engine::Kind;
using store::ByteView;
using store::Hash;

Error broken(std::string why) { return {Errc::Tampered, std::move(why)}; }

class BundleCheck {
 public:
  BundleCheck(const BundleFiles& files, const std::optional<store::PolicyFile>& trusted)
      : files_(files), trusted_(trusted) {}

  Result<BundleReport> run() {
    RC_TRY(manifest());
    RC_TRY(signature());
    RC_TRY(leaves());
    RC_TRY(bodies());
    const std::string complete = value("complete");
    if (complete == "chain")
      RC_TRY(chain());
    else if (complete == "headers")
      RC_TRY(range());
    else if (complete != "none")
      return broken("the bundle says it is complete in an unknown way");
    RC_TRY(readable());
    return std::move(report_);
  }

 private:
  Result<const std::string*> file(const std::string& name) const {
    const auto it = files_.find(name);
    if (it == files_.end())
      return Error{Errc::Incomplete, fmt::format("the bundle has no {}", name)};
    return &it->second;
  }
  std::string value(const std::string& key) const {
    const auto it = manifest_.find(key);
    return it == manifest_.end() ? "" : it->second;
  }
  Result<std::uint64_t> number(const std::string& key) const {
    const auto n = store::parse_decimal(value(key));
    if (!n) return broken(fmt::format("the bundle's {} is not a number", key));
    return *n;
  }

  Result<void> manifest() {
    const auto text = file("bundle");
    if (!text) return text.error();
    std::string_view rest = **text;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      const auto space = line.find(' ');
      if (end == std::string_view::npos || space == std::string_view::npos ||
          !manifest_.emplace(line.substr(0, space), line.substr(space + 1)).second) {
        return broken("the bundle's list of facts is malformed");
      }
      rest.remove_prefix(end + 1);
    }
    if (value("format") != "rollcall-bundle-1")
      return Error{Errc::BadInput, "not a bundle of format 1"};
    return {};
  }

  Result<void> signature() {
    const auto text = file("checkpoint");
    const auto vkey = file("log.vkey");
    if (!text) return text.error();
    if (!vkey) return vkey.error();
    auto parsed = note::parse(**text);
    if (!parsed) return broken(parsed.error().detail);
    std::vector<note::Verifier> keys;
    if (trusted_ && !trusted_->logs.empty()) {
      keys = trusted_->log_keys();
    } else {
      const auto own =
          note::Verifier::parse(std::string_view(**vkey).substr(0, (*vkey)->find('\n')));
      if (!own) return broken(own.error().detail);
      keys.push_back(*own);
    }
    RC_TRY(note::open(*parsed, keys));
    auto checkpoint = note::parse_checkpoint(parsed->text);
    if (!checkpoint) return broken(checkpoint.error().detail);
    checkpoint_ = *checkpoint;
    if (value("origin") != checkpoint_.origin ||
        value("size") != fmt::format("{}", checkpoint_.size))
      return broken("the bundle's facts and its checkpoint differ");
    report_.lines.push_back(fmt::format("checkpoint {} at size {}: signature ok",
                                        checkpoint_.origin, checkpoint_.size));
    if (trusted_) {
      const auto verdict = trusted_->judge(*parsed);
      if (!verdict.met)
        return Error{Errc::Incomplete,
                     fmt::format("the policy's quorum {} is not met: {} good cosignatures",
                                 trusted_->quorum, verdict.good)};
      if (!trusted_->witnesses.empty())
        report_.lines.push_back(fmt::format("witnesses  {} of {}: quorum met", verdict.good,
                                            trusted_->witnesses.size()));
    }
    return {};
  }

  Result<std::vector<Hash>> hashes(const std::string& name) const {
    const auto text = file(name);
    if (!text) return text.error();
    std::vector<Hash> out;
    std::string_view rest = **text;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto raw = store::from_hex(rest.substr(0, end));
      if (!raw || raw->size() != 32 || end == std::string_view::npos)
        return broken(fmt::format("{}: a line that is no hash", name));
      Hash h;
      std::copy(raw->begin(), raw->end(), h.begin());
      out.push_back(h);
      rest.remove_prefix(end + 1);
    }
    return out;
  }

  Result<void> leaves() {
    const auto text = file("headers.bin");
    if (!text) return text.error();
    const ByteView bytes = store::as_bytes(**text);
    if (bytes.empty() || bytes.size() % store::kHeaderSize != 0)
      return broken("headers.bin is not a row of 112-byte headers");
    std::vector<merkle::IndexedHash> known;
    for (std::size_t i = 0; i < bytes.size(); i += store::kHeaderSize) {
      const ByteView leaf = bytes.subspan(i, store::kHeaderSize);
      const Header h = store::decode_header(leaf);
      if (h.seq == 0) return broken("a header without a seq");
      known.push_back({h.seq - 1, merkle::leaf_hash(leaf)});
      by_seq_[h.seq] = headers_.size();
      headers_.push_back(h);
    }
    const auto proof = hashes("tree.proof");
    if (!proof) return proof.error();
    const auto root = merkle::multi_root(std::move(known), checkpoint_.size, *proof);
    if (!root || *root != checkpoint_.root)
      return broken("the headers and their proof do not lead to the signed root");
    report_.events = headers_.size();
    report_.lines.push_back(fmt::format("events     {} in the signed tree", headers_.size()));
    return {};
  }

  const Header* find(Seq seq) const {
    const auto it = by_seq_.find(seq);
    return it == by_seq_.end() ? nullptr : &headers_[it->second];
  }

  Result<void> bodies() {
    for (const auto& [name, content] : files_) {
      if (!name.starts_with("bodies/")) continue;
      const auto seq = store::parse_decimal(std::string_view(name).substr(7));
      const Header* header = seq ? find(*seq) : nullptr;
      if (header == nullptr)
        return broken(fmt::format("{} belongs to no header of the bundle", printable_name(name)));
      constexpr std::size_t kPrefix = 17 + 32;
      const bool fits =
          content.size() > kPrefix && content.size() - kPrefix == header->body_len &&
          store::sha256({store::as_bytes(content)}) == header->digest &&
          std::string_view(content).substr(0, 17) == std::string_view("rollcall/body/v1\0", 17);
      if (!fits)
        return broken(fmt::format("seq {}: the body does not fit the digest in its header", *seq));
      ++report_.bodies;
    }
    report_.lines.push_back(fmt::format("bodies     {} fit their digests", report_.bodies));
    return {};
  }

  static std::string printable_name(const std::string& name) { return name.substr(0, 64); }

  Result<void> range() {
    const auto from = number("from");
    const auto to = number("to");
    if (!from) return from.error();
    if (!to) return to.error();
    if (*from == 0 || *to < *from || *to - *from >= headers_.size())
      return broken("the range names more headers than the bundle holds");
    for (Seq seq = *from; seq <= *to; ++seq) {
      if (find(seq) == nullptr)
        return broken(fmt::format("seq {}: its header is missing from the range", seq));
    }
    report_.lines.push_back(fmt::format("complete   every header from {} to {}", *from, *to));
    return {};
  }

  /// The user's record in a page that the state digest pins.
  Result<ByteView> record(UserNumber user) {
    const std::uint32_t page = user / engine::kUsersPerPage;
    for (const auto& p : pages_.pages) {
      if (p.number != page) continue;
      const auto place = engine::find_user_record(p.bytes, page, user);
      if (!place) break;
      return ByteView(p.bytes).subspan(place->first, place->second);
    }
    return broken(fmt::format("the state's pages hold no record of user #{}", user));
  }

  /// Follows prev from the head that the record names back to the first event.
  Result<std::uint64_t> follow(UserNumber user, ByteView record) {
    Seq head = 0;
    for (std::size_t i = 0; i < 8; ++i) head |= static_cast<Seq>(record[4 + i]) << (8 * i);
    std::uint64_t length = 0;
    for (Seq seq = head; seq != 0; ++length) {
      const Header* h = find(seq);
      if (h == nullptr)
        return broken(
            fmt::format("seq {}: an event of user #{} is missing from the chain", seq, user));
      if (h->user != user || h->prev >= seq)
        return broken(
            fmt::format("seq {}: it does not belong to the chain of user #{}", seq, user));
      seq = h->prev;
    }
    return length;
  }

  Result<void> chain() {
    const auto user = number("user");
    const auto digest_seq = number("digest");
    const auto count = number("pages");
    for (const auto* n : {&user, &digest_seq, &count})
      if (!*n) return n->error();
    if (*user == 0 || *user > 0xFFFFFFFF || *count > 0xFFFFFFFF)
      return broken("the bundle's user is none");
    const Header* digest = find(*digest_seq);
    if (digest == nullptr || digest->kind != Kind::StateDigest || digest->a + 1 != digest->seq)
      return broken("the bundle's state digest is not one");
    if (digest->b != engine::kReducerVersion)
      return Error{Errc::Incomplete,
                   fmt::format("the state digest was made by reducer {}, this is {}", digest->b,
                               engine::kReducerVersion)};
    pages_.count = static_cast<std::uint32_t>(*count);
    for (const auto& [name, content] : files_) {
      if (!name.starts_with("state/")) continue;
      const auto page = store::parse_decimal(std::string_view(name).substr(6));
      if (!page || *page >= *count) return broken("a state page with no number");
      pages_.pages.push_back(
          {static_cast<std::uint32_t>(*page), store::Bytes(content.begin(), content.end())});
    }
    std::sort(pages_.pages.begin(), pages_.pages.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
    const auto proof = hashes("state.proof");
    if (!proof) return proof.error();
    pages_.proof = *proof;
    if (!store::verify_pages(pages_, digest->digest))
      return broken("the state's pages do not lead to the logged digest");
    const auto number32 = static_cast<UserNumber>(*user);
    const auto own = record(number32);
    const auto app = record(0);
    if (!own) return own.error();
    if (!app) return app.error();
    const auto own_length = follow(number32, *own);
    const auto app_length = follow(0, *app);
    if (!own_length) return own_length.error();
    if (!app_length) return app_length.error();
    report_.lines.push_back(
        fmt::format("complete   all {} events of user #{} up to seq {}, and {} of the app's",
                    *own_length, *user, digest->a, *app_length));
    return replay(number32, *digest, *own);
  }

  /// Replays both chains to the user's state, and compares it with the pinned record.
  Result<void> replay(UserNumber user, const Header& digest, ByteView pinned) {
    engine::State state;
    state.users.resize(static_cast<std::size_t>(user) + 1);
    std::vector<engine::Transition> transitions;
    const auto asked =
        manifest_.contains("asked") ? number("asked") : Result<std::uint64_t>(std::uint64_t{0});
    if (!asked) return asked.error();
    if (*asked > digest.a) return broken("the moment asked about lies after the state digest");
    bool told = *asked == 0;
    for (const Header& h : headers_) {
      if (h.seq > digest.a) break;
      if (h.user != user && h.user != 0) continue;
      if (!told && h.seq > *asked) {
        report_.state_asked = state.users[user].state;
        told = true;
      }
      if (h.at < state.at) return broken(fmt::format("seq {}: time runs back", h.seq));
      engine::apply(state, h, transitions);
    }
    if (!told) report_.state_asked = state.users[user].state;
    std::vector<std::uint8_t> bytes;
    engine::write_user(state, user, bytes);
    if (!std::equal(bytes.begin(), bytes.end(), pinned.begin(), pinned.end()))
      return Error{Errc::Diverged, "replaying the chain gives another state than the log's digest"};
    report_.state_at_digest = state.users[user].state;
    if (report_.state_asked)
      report_.lines.push_back(fmt::format("state      user #{} was {} after seq {}", user,
                                          engine::name_of(*report_.state_asked), *asked));
    report_.lines.push_back(
        fmt::format("state      user #{} is {} after seq {}, as the signed digest says", user,
                    engine::name_of(*report_.state_at_digest), digest.a));
    return {};
  }

  /// events.ndjson is for reading: what it says must be what the headers and bodies say.
  Result<void> readable() {
    const auto text = file("events.ndjson");
    if (!text) return text.error();
    std::string_view rest = **text;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      boost::system::error_code ec;
      const auto value = boost::json::parse(rest.substr(0, end), ec);
      if (ec || !value.is_object() || end == std::string_view::npos)
        return broken("events.ndjson is not one JSON object a line");
      const auto& o = value.get_object();
      const auto* seq = o.if_contains("seq");
      const Header* h = seq != nullptr && (seq->is_int64() || seq->is_uint64())
                            ? find(seq->to_number<std::uint64_t>(ec))
                            : nullptr;
      if (h == nullptr) return broken("events.ndjson tells of an event that is not in the bundle");
      RC_TRY(same(*h, o));
      rest.remove_prefix(end + 1);
    }
    return {};
  }

  Result<void> same(const Header& h, const boost::json::object& told) {
    EventView view;
    view.header = h;
    const auto body = files_.find(fmt::format("bodies/{}", h.seq));
    if (body != files_.end()) {
      auto decoded = store::decode_body(store::as_bytes(body->second).subspan(17 + 32));
      if (!decoded) return decoded.error();
      view.body.body = std::move(*decoded);
      view.body.state = store::BodyState::Open;
    }
    boost::json::object expected = to_json(view);
    // Names of users and actions are not in the signed bytes; the numbers are.
    for (const auto& [key, value] : told) {
      if (key == "user" || key == "action" || key == "body") continue;
      const auto* e = expected.if_contains(key);
      if (e == nullptr || *e != value) {
        return broken(fmt::format("seq {}: events.ndjson says another {} than the signed bytes",
                                  h.seq, std::string(key)));
      }
    }
    return {};
  }

  const BundleFiles& files_;
  const std::optional<store::PolicyFile>& trusted_;
  std::map<std::string, std::string> manifest_;
  note::Checkpoint checkpoint_;
  std::vector<Header> headers_;
  std::map<Seq, std::size_t> by_seq_;
  store::PagesProof pages_;
  BundleReport report_;
};

}  // namespace

Result<BundleReport> verify_bundle(const BundleFiles& files,
                                   const std::optional<store::PolicyFile>& trusted) {
  return BundleCheck(files, trusted).run();
}

Result<BundleReport> verify_bundle(const std::filesystem::path& path,
                                   const std::optional<store::PolicyFile>& trusted) {
  const auto files = read_bundle(path);
  if (!files) return files.error();
  return verify_bundle(*files, trusted);
}

}  // namespace rollcall::replay
