// rollcall: puts the commands together.
#include "cli/commands.h"
#include "net/readers/reader_process.h"

#include <csignal>

int main(int argc, char** argv) {
  using namespace rollcall::cli;
  if (argc > 0 && argv[0] == rollcall::net::kReaderName) return rollcall::net::run_reader();
  std::signal(SIGPIPE, SIG_DFL);  // a reader that went away ends us silently
  return run_command_line(argc, argv, [](Command& root) {
    add_who(root);
    add_state(root);
    add_last(root);
    add_audit(root);
    add_show(root);
    add_verify(root);
    add_proof(root);
    add_checkpoint(root);
    add_key(root);
    add_tiles(root);
    add_witness(root);
    add_export(root);
    add_import(root);
    add_backup(root);
    add_snapshot(root);
    add_forget(root);
    add_hold(root);
    add_retention(root);
    add_subject(root);
    add_timeline(root);
    add_diff(root);
    add_replay(root);
    add_whatif(root);
    add_report(root);
    add_policy(root);
    add_sim(root);
    add_presence(root);
    add_store(root);
    add_serve(root);
    add_watch(root);
    add_token(root);
    add_company(root);
  });
}
