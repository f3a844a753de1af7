# The house, as one table: every module, its floor, the modules it may include, and the third-party families whose
# headers it may include. CMake builds each module from this table and refuses an edge that does not point to a strictly
# lower floor; tools/tidy reads the same table and refuses an #include that it does not allow.
#
#   leat_layer(<module> <floor> DEPS <modules...> THIRD_PARTY <families...>)
#
# A module is the folder src/<module>. absl and the C++ standard library are allowed everywhere.
# The same-floor edges that are allowed are marked; there is no other exception.
set(LEAT_MODULES "")
macro(leat_layer name floor)
  cmake_parse_arguments(_layer "" "" "DEPS;THIRD_PARTY" ${ARGN})
  list(APPEND LEAT_MODULES ${name})
  set(LEAT_FLOOR_${name} ${floor})
  set(LEAT_DEPS_${name} ${_layer_DEPS})
  set(LEAT_THIRD_PARTY_${name} ${_layer_THIRD_PARTY})
endmacro()

# floor 0
leat_layer(base             0 THIRD_PARTY spdlog isal fmt)
# floor 1
leat_layer(model            1 DEPS base THIRD_PARTY zstd lz4 snappy zlib)
leat_layer(env              1 DEPS base)
leat_layer(stream/data      1 DEPS base)
# floor 2: pure cores
leat_layer(raft             2 DEPS base model)
leat_layer(meta             2 DEPS base model)
leat_layer(replication      2 DEPS base model)
leat_layer(group            2 DEPS base model)
leat_layer(txn              2 DEPS base model)
leat_layer(wire             2 DEPS base model)
leat_layer(stream/plan      2 DEPS base stream/data)
leat_layer(sql              2 DEPS base stream/data stream/plan)  # sql -> stream/plan: the one edge inside a floor
leat_layer(stream/state     2 DEPS base stream/data)
# floor 3
leat_layer(log              3 DEPS base model env)
leat_layer(runtime          3 DEPS base env THIRD_PARTY asio prometheus crypto)
leat_layer(stream/exec      3 DEPS base stream/data stream/plan stream/state THIRD_PARTY re2 crypto)
leat_layer(stream/format    3 DEPS base stream/data THIRD_PARTY simdjson)
leat_layer(rocks            3 DEPS base stream/state THIRD_PARTY rocksdb)
leat_layer(view             3 DEPS base model stream/state)
# floor 4: drivers
leat_layer(client           4 DEPS base model THIRD_PARTY grpc proto)
leat_layer(coordinator      4 DEPS base model env raft meta group txn log THIRD_PARTY proto_internal)
leat_layer(stream/run       4 DEPS base model env stream/data stream/plan sql stream/state stream/exec stream/format rocks)
# floor 5
leat_layer(broker           5 DEPS base model env raft meta group txn replication wire log coordinator stream/run stream/plan
                              sql stream/data stream/state rocks view THIRD_PARTY re2)
# floor 6
leat_layer(config           6 DEPS base env log runtime THIRD_PARTY yaml)
leat_layer(grpc             6 DEPS base model env meta runtime view broker THIRD_PARTY grpc proto)
leat_layer(admin            6 DEPS base model env meta view broker runtime THIRD_PARTY asio json prometheus)
leat_layer(kafka            6 DEPS base model env wire meta broker runtime THIRD_PARTY asio)
# floor 7: the composition root
leat_layer(server           7 DEPS base model env meta group txn log runtime rocks coordinator stream/data stream/plan sql stream/state
                              stream/exec stream/format stream/run broker config grpc admin kafka
                              THIRD_PARTY asio grpc cli json prometheus)

# Third-party families: the header prefixes that belong to them (for tools/tidy) and the targets to link.
macro(leat_third_party family)
  cmake_parse_arguments(_tp "" "" "HEADERS;TARGETS" ${ARGN})
  set(LEAT_HEADERS_${family} ${_tp_HEADERS})
  set(LEAT_TARGETS_${family} ${_tp_TARGETS})
endmacro()
leat_third_party(spdlog         HEADERS spdlog/            TARGETS spdlog::spdlog)
leat_third_party(fmt            HEADERS fmt/               TARGETS spdlog::spdlog)
leat_third_party(isal           HEADERS isa-l/             TARGETS leat_isal)
leat_third_party(zstd           HEADERS zstd               TARGETS zstd::libzstd_shared)
leat_third_party(lz4            HEADERS lz4                TARGETS leat_lz4)
leat_third_party(snappy         HEADERS snappy             TARGETS Snappy::snappy)
leat_third_party(zlib           HEADERS zlib.h             TARGETS ZLIB::ZLIB)
leat_third_party(asio           HEADERS boost/asio boost/beast boost/system TARGETS Boost::boost Threads::Threads)
leat_third_party(json           HEADERS boost/json         TARGETS Boost::json)
leat_third_party(prometheus     HEADERS prometheus/        TARGETS prometheus-cpp::core)
leat_third_party(re2            HEADERS re2/               TARGETS re2)
leat_third_party(crypto         HEADERS openssl/           TARGETS OpenSSL::Crypto)
leat_third_party(simdjson       HEADERS simdjson           TARGETS simdjson::simdjson)
leat_third_party(rocksdb        HEADERS rocksdb/           TARGETS ${LEAT_ROCKSDB})
leat_third_party(grpc           HEADERS grpcpp/ grpc/      TARGETS leat_proto gRPC::grpc++ gRPC::grpc++_reflection)
leat_third_party(proto          HEADERS leat/v1/ google/protobuf/          TARGETS leat_proto)
leat_third_party(proto_internal HEADERS leat/internal/ google/protobuf/    TARGETS leat_proto_internal)
leat_third_party(yaml           HEADERS yaml-cpp/          TARGETS yaml-cpp)
leat_third_party(cli            HEADERS CLI/               TARGETS CLI11::CLI11)
leat_third_party(csv            HEADERS csv.h              TARGETS leat_csv)
