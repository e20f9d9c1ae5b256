// Every command, one function a file.
#pragma once

#include "cli/command.h"

namespace rollcall::cli {

void add_serve(Command& root);
void add_store(Command& root);
void add_watch(Command& root);
void add_token(Command& root);
void add_company(Command& root);
void add_presence(Command& root);  // login, activity, logout, status
void add_import(Command& root);
void add_who(Command& root);
void add_state(Command& root);
void add_last(Command& root);
void add_audit(Command& root);
void add_show(Command& root);
void add_verify(Command& root);
void add_proof(Command& root);
void add_checkpoint(Command& root);
void add_key(Command& root);
void add_tiles(Command& root);
void add_export(Command& root);
void add_witness(Command& root);
void add_forget(Command& root);
void add_hold(Command& root);
void add_retention(Command& root);
void add_subject(Command& root);
void add_backup(Command& root);
void add_snapshot(Command& root);
void add_timeline(Command& root);
void add_diff(Command& root);
void add_replay(Command& root);
void add_whatif(Command& root);
void add_policy(Command& root);
void add_report(Command& root);
void add_sim(Command& root);

}  // namespace rollcall::cli
