# Files that are compiled by themselves.

# A name of their own (in an anonymous namespace) is something else in another file of their module. Prefer another name, or
# one definition for both, to a new line here.
set(LEAT_UNITY_ALONE
  src/admin/connection.cc
  src/broker/hosted_view.cc
  src/broker/job_desk.cc
  src/broker/replica_wire.cc
  src/client/admin_cluster.cc
  src/client/admin_jobs.cc
  src/client/fetcher.cc
  src/client/group_member.cc
  src/client/metadata.cc
  src/client/producer_numbers.cc
  src/client/producer_sender.cc
  src/client/producer_transaction.cc
  src/client/routing.cc
  src/client/views.cc
  src/coordinator/controller_codec.cc
  src/coordinator/metadata_cluster_codec.cc
  src/coordinator/raft_codec.cc
  src/group/offset_records.cc
  src/grpc/cluster_service.cc
  src/kafka/create_topics.cc
  src/kafka/init_producer_id.cc
  src/kafka/log_dirs.cc
  src/kafka/produce.cc
  src/kafka/reassignments.cc
  src/meta/image_apply.cc
  src/meta/topic_config.cc
  src/model/lz4_codec.cc
  src/model/snappy_codec.cc
  src/model/zstd_codec.cc
  src/runtime/peer_door.cc
  src/stream/data/key_codec.cc
  src/stream/exec/json.cc
  src/stream/exec/moments.cc
  src/stream/exec/session_operator.cc
  src/stream/exec/stored_rows.cc
  src/stream/exec/text.cc
  src/stream/format/plain_json_reader.cc
  src/stream/format/scalar_text.cc
  src/stream/plan/explain.cc
  src/stream/plan/infer_collection.cc
  src/stream/plan/inference.cc
  src/stream/plan/operator_identity.cc
  src/stream/plan/state_notes.cc
  tests/admin/router_test.cc
  tests/broker/replica_test.cc
  tests/broker/topics_test.cc
  tests/coordinator/raft_files_test.cc
  tests/kafka/server_test.cc
  tests/log/golden_transactions_test.cc
  tests/log/simulation_test.cc
  tests/model/framing_test.cc
  tests/model/record_batch_golden_test.cc
  tests/raft/voters_test.cc
  tests/replication/leaves_test.cc
  tests/sim/replica_checks.cc
  tests/sql/match_test.cc
  tests/sql/state_match_test.cc
  tests/stream/data/time_zone_test.cc
  tests/stream/exec/kernel_test.cc
  tests/stream/exec/match_oracle_test.cc
  tests/stream/exec/over_oracle_test.cc
  tests/stream/exec/rank_oracle_test.cc
  tests/stream/exec/timed_join_test.cc
  tests/stream/exec/value_list_oracle_test.cc
  tests/stream/exec/waiting_rows_test.cc
  tests/stream/exec/window_oracle_test.cc
  tests/stream/run/flink_cases.cc
  tests/stream/run/job_runner_test.cc
  tests/stream/run/upgrade_jobs_test.cc
  tests/wire/messages_test.cc
  tests/wire/reader_test.cc
)

# Compiled once more for simrun, with planted defects. In their libraries each must be an object of its own, or else what
# shares the object would bring the one without defects in, too.
list(APPEND LEAT_UNITY_ALONE
  src/broker/registration.cc
  src/stream/run/changelog.cc
  src/stream/run/checkpointer.cc
  src/stream/run/transaction_writer.cc
)

# One is compiled with a definition of its own, the other one needs gtest, which programs that are no tests do not link.
list(APPEND LEAT_UNITY_ALONE tests/support/source_dir.cc tests/support/golden.cc)
