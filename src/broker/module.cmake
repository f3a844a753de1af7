target_compile_definitions(leat_broker PRIVATE LEAT_VERSION="${PROJECT_VERSION}")
