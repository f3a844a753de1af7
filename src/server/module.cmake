target_compile_definitions(leat_server PUBLIC LEAT_VERSION="${PROJECT_VERSION}")
