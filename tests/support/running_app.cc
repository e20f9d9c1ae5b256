// An app is put together as net/server.cc does it.
#include "tests/support/running_app.h"

namespace rollcall::test {
namespace {

net::Settings settings_in(const std::filesystem::path& data, const RunningApp::Change& change) {
  net::Settings out;
  out.data = data;
  net::AppSettings app;
  app.id = "main";
  app.key = kAppKey;
  app.secret = kAppSecret;
  app.sign_every_s = 3600;
  app.snapshot_every = 0;
  out.apps.push_back(std::move(app));
  change(out);
  return out;
}

}  // namespace

RunningApp::RunningApp(const Change& change) : context_(settings_in(scratch_.path(), change)) {
  context_.workers = std::make_unique<net::Workers>(2, 64);
  context_.shards.push_back(std::make_unique<net::Shard>(0, context_.settings));
  pusher_ = std::make_unique<net::Pusher>(shard());
  shard().set_protocol(*pusher_);
  for (const net::AppSettings& settings : context_.settings.apps) {
    auto opened =
        net::App::open(context_.settings, settings, {&shard()}, shard().loop(), *context_.workers);
    context_.apps.push_back(std::move(opened).value());
    context_.apps.back()->with_connection = [this](net::ConnectionId id,
                                                   std::function<void(net::Connection*)> visit) {
      shard().loop().post([this, id, visit = std::move(visit)] { visit(shard().find(id)); });
    };
  }
  thread_ = std::thread([this] { shard().run(); });
}

RunningApp::~RunningApp() {
  for (const auto& app : context_.apps) app->stop();
  shard().stop();
  thread_.join();
}

void RunningApp::adopt(FarEnd& far) {
  there([&] { shard().adopt(far.give_near(), app(), "", "", "192.0.2.7\nfar end"); });
}

}  // namespace rollcall::test
