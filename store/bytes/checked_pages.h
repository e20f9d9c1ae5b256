// Bytes of a mapped file whose pages are compared with their sums when they are first looked at.
//
// Why this file exists: a file of megabytes of which a question needs a few words is neither worth
// reading whole nor to be believed unchecked.
#pragma once

#include "store/bytes/crypto.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace rollcall::store::inline bytes {

class CheckedPages {
 public:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kSum = 8;  ///< so many bytes of a page's SHA-256
  [[nodiscard]] static constexpr std::uint64_t sums_size(std::uint64_t body) {
    return (body + kPage - 1) / kPage * kSum;
  }
  [[nodiscard]] static Bytes sums_of(ByteView body) {
    Bytes out;
    for (std::size_t at = 0; at < body.size(); at += kPage) {
      const Hash hash = sha256({body.subspan(at, std::min(kPage, body.size() - at))});
      out.insert(out.end(), hash.begin(), hash.begin() + kSum);
    }
    return out;
  }

  CheckedPages() = default;
  /// Both must outlive it; `sums` has sums_size(body.size()) bytes.
  CheckedPages(ByteView body, ByteView sums)
      : body_(body), sums_(sums), checked_(sums.size() / kSum, false) {}
  [[nodiscard]] std::size_t size() const { return body_.size(); }
  /// Nothing where it lies outside, or a page of it does not fit its sum.
  [[nodiscard]] std::optional<ByteView> piece(std::uint64_t offset, std::size_t size) const {
    if (offset > body_.size() || size > body_.size() - offset) return std::nullopt;
    if (size == 0) return ByteView{};
    for (std::size_t page = offset / kPage; page <= (offset + size - 1) / kPage; ++page) {
      if (checked_[page]) continue;
      const Bytes sum =
          sums_of(body_.subspan(page * kPage, std::min(kPage, body_.size() - page * kPage)));
      if (!std::equal(sum.begin(), sum.end(),
                      sums_.begin() + static_cast<std::ptrdiff_t>(page * kSum)))
        return std::nullopt;
      checked_[page] = true;
    }
    return body_.subspan(offset, size);
  }

 private:
  ByteView body_, sums_;
  mutable std::vector<bool> checked_;  ///< by page
};

}  // namespace rollcall::store::inline bytes
