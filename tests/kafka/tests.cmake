# Whole brokers on real shards; random messages of every API.
target_link_libraries(leat_kafka_test PRIVATE leat_runtime leat_wire_any)
