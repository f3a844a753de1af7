# Whole brokers on real shards.
target_link_libraries(leat_kafka_test PRIVATE leat_runtime)
