// What proxies write, and what a request's head says: PROXY headers, forwarding headers, addresses.
#include "net/wire/client_address.h"
#include "net/wire/proxy_protocol.h"
#include "net/wire/request_head.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::net;
  const ProxyHeader header = read_proxy_header({data, size});
  if (header.is == ProxyHeader::Is::Whole && (header.size > size || header.size == 0))
    __builtin_trap();
  if (!header.address.empty() && normal_address(header.address) != header.address) __builtin_trap();
  const std::string text(reinterpret_cast<const char*>(data), size);
  static const Networks trusted = Networks::parse({"10.0.0.0/8", "::/1"}).value();
  HttpRequest request;
  request.headers = {{"x-forwarded-for", text},   {"x-forwarded-proto", text},
                     {"forwarded", text},         {"host", text},
                     {"transfer-encoding", text}, {"expect", text}};
  // Whatever is written, the client is an address.
  for (const std::string peer : {"10.0.0.1", "192.0.2.1"})
    if (!normal_address(client_of(request, peer, false, trusted).address)) __builtin_trap();
  request.headers.erase(request.headers.begin());
  if (!normal_address(client_of(request, "10.0.0.1", true, trusted).address)) __builtin_trap();
  (void)head_fault(request, 11);
  (void)expectation_of(request, 11);
  (void)read_target(text);
  (void)Networks::parse({text});
  (void)limit_key(text);
  const auto prefix = normal_prefix(text);
  if (prefix && normal_prefix(*prefix) != prefix) __builtin_trap();
  return 0;
}
