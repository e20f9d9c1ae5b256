// TLS in front of a listening socket: decrypted bytes go on over a socket pair.
//
// Why this file exists: the shards write to sockets directly, and OpenSSL through Asio does not; a
// pair of sockets lets both stay as they are. It costs two more descriptors a TLS connection.
#pragma once

#include "store/bytes/errc.h"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>

namespace rollcall::net::inline loop {

class Tls {
 public:
  static store::Result<std::unique_ptr<Tls>> open(const std::filesystem::path& certificate,
                                                  const std::filesystem::path& key);
  ~Tls();
  /// Reads certificate and key again; those in use go on with the old ones.
  store::Result<void> reload();
  /// Shakes hands on `fd` and hands the plain side to `plain`. Within ten seconds, or not at all.
  void accept(boost::asio::io_context& io, int fd, std::function<void(int plain)> plain);

 private:
  struct Inner;
  explicit Tls(std::unique_ptr<Inner> inner);
  std::unique_ptr<Inner> inner_;
};

}  // namespace rollcall::net::inline loop
