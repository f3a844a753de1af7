# Debian packages: `cmake --build build/release --target deb`, or cpack after a build. Two come out, in build/release/packages:
#
#   leat                the broker, the tool, the unit of systemd, man pages, completions    (component broker)
#   libleat-client-dev  the headers, the static libraries and the CMake package file          (component client)
#
# What goes to the places of a Debian system and nowhere else (/etc, the unit) is not part of `cmake --install`.
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
# Without these cpack makes a package that does not say what it depends on.
find_program(LEAT_SHLIBDEPS dpkg-shlibdeps)
find_program(LEAT_FILE file)
if(NOT LEAT_SHLIBDEPS OR NOT LEAT_FILE)
  message(STATUS "no Debian packages: dpkg-shlibdeps or file is missing (tools/setup installs both)")
  return()
endif()

set(packaging "${CMAKE_SOURCE_DIR}/packaging")
set(package_files "${CMAKE_BINARY_DIR}/package_files")

# The version has one home, project(); the changelog has to follow.
file(STRINGS "${packaging}/changelog" changelog_head LIMIT_COUNT 1)
if(NOT changelog_head MATCHES "^leat \\(${PROJECT_VERSION}\\) ")
  message(FATAL_ERROR "packaging/changelog: expected the first entry to be of version ${PROJECT_VERSION}, that of project() in "
                      "CMakeLists.txt, got '${changelog_head}'; write an entry")
endif()

# Man pages, completions, configuration: asked of the programs that were just built.
file(GLOB makers CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tools/package/*.py")
add_custom_command(
  OUTPUT "${package_files}/leatd.yaml"
  COMMAND Python3::Interpreter -B "${CMAKE_SOURCE_DIR}/tools/package/make_files.py" "${CMAKE_BINARY_DIR}/bin" "${packaging}"
          "${package_files}"
  DEPENDS leatd leat "${packaging}/changelog" ${makers}
  VERBATIM)
add_custom_target(package_files ALL DEPENDS "${package_files}/leatd.yaml")

function(leat_package_install)
  install(${ARGN} COMPONENT broker EXCLUDE_FROM_ALL)
endfunction()
leat_package_install(FILES "${package_files}/leatd.yaml" DESTINATION /etc/leat)
leat_package_install(FILES "${packaging}/leatd.service" DESTINATION /lib/systemd/system)
leat_package_install(DIRECTORY "${package_files}/man/" DESTINATION share/man)
leat_package_install(FILES "${package_files}/completion/bash/leat" DESTINATION share/bash-completion/completions)
leat_package_install(FILES "${package_files}/completion/zsh/_leat" DESTINATION share/zsh/vendor-completions)
leat_package_install(FILES "${package_files}/completion/fish/leat.fish" DESTINATION share/fish/vendor_completions.d)
leat_package_install(FILES "${packaging}/copyright" "${package_files}/changelog.gz" DESTINATION share/doc/leat)
install(FILES "${packaging}/copyright" "${package_files}/changelog.gz" DESTINATION share/doc/libleat-client-dev
        COMPONENT client EXCLUDE_FROM_ALL)
# What is linked from archives comes with its terms.
foreach(linked libgrpc++-dev libprotobuf-dev librocksdb-dev)
  leat_package_install(FILES "/usr/share/doc/${linked}/copyright" DESTINATION share/doc/leat RENAME copyright.${linked})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_OUTPUT_FILE_PREFIX "${CMAKE_BINARY_DIR}/packages")
set(CPACK_PACKAGE_NAME leat)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "Leat maintainers <maintainers@leat.invalid>")
set(CPACK_COMPONENTS_ALL broker client)
set(CPACK_STRIP_FILES ON)
# DESTDIR, because some destinations are absolute.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_BROKER_PACKAGE_NAME leat)
set(CPACK_DEBIAN_BROKER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_BROKER_PACKAGE_DEPENDS "adduser, debconf (>= 0.5) | debconf-2.0, tzdata")
set(CPACK_DEBIAN_BROKER_DESCRIPTION "log broker with a stream processor inside
Leat is one daemon, leatd, and one tool, leat. Kafka clients connect to it
as they are; topics are durable logs in Kafka's record format; jobs are SQL
that read topics, keep state over event time, and write topics.

After the installation leatd listens on loopback only: see
/etc/leat/leatd.yaml.")
set(CPACK_DEBIAN_BROKER_PACKAGE_CONTROL_EXTRA
    "${packaging}/postinst;${packaging}/prerm;${packaging}/postrm;${packaging}/config;${packaging}/templates;${package_files}/conffiles")
# The only file in /etc.
file(WRITE "${package_files}/conffiles" "/etc/leat/leatd.yaml\n")

set(CPACK_DEBIAN_CLIENT_PACKAGE_NAME libleat-client-dev)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SHLIBDEPS OFF)
# pkg-config and the compiler's plugin: gRPC's package file asks for both.
set(CPACK_DEBIAN_CLIENT_PACKAGE_DEPENDS
    "libabsl-dev, libfmt-dev, libgrpc++-dev (>= 1.51), libisal-dev, liblz4-dev, libprotobuf-dev (>= 3.21), libsnappy-dev, \
libspdlog-dev, libzstd-dev, pkg-config, protobuf-compiler-grpc, zlib1g-dev")
set(CPACK_DEBIAN_CLIENT_DESCRIPTION "C++ client library of the Leat log broker
Producer, consumer, administration and transactions over Leat's gRPC API,
as a static library with headers and a package file for CMake:
find_package(leat CONFIG) and leat::client.")
include(CPack)

# cpack would build everything first, the tests too. This target builds only what is in the packages.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
add_custom_target(deb COMMAND "${CMAKE_CPACK_COMMAND}" --config "${CMAKE_BINARY_DIR}/CPackConfig.cmake"
                  DEPENDS package_files leatd leat leat_client WORKING_DIRECTORY "${CMAKE_BINARY_DIR}" USES_TERMINAL VERBATIM)
