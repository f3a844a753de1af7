# Installed: the programs, the public headers, the configuration, and the client library with its CMake package file.
# Another project then says find_package(leat CONFIG REQUIRED) and links leat::client; tests/install does so.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

foreach(program leatd leat logdump)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT broker)
  endif()
endforeach()
install(DIRECTORY include/leat DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT client
        FILES_MATCHING PATTERN "*.h")
if(EXISTS "${CMAKE_SOURCE_DIR}/config")
  install(DIRECTORY config/ DESTINATION "${CMAKE_INSTALL_DATADIR}/leat" COMPONENT broker)
endif()

# Appends the target and every target of ours that it links, directly or not, to *out. A static library needs them all
# where it is linked.
function(leat_link_closure target out)
  set(found ${${out}})
  if(NOT target IN_LIST found)
    list(APPEND found ${target})
    get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
    foreach(link IN LISTS links)
      string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
      if(link MATCHES "^leat_" AND TARGET ${link})
        leat_link_closure(${link} found)
      endif()
    endforeach()
  endif()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Folders of the source and build trees serve this build alone; who links the package gets the installed headers.
function(leat_keep_folders_home target)
  foreach(property INTERFACE_INCLUDE_DIRECTORIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES)
    get_target_property(folders ${target} ${property})
    if(folders)
      set(kept "")
      foreach(folder IN LISTS folders)
        string(FIND "${folder}" "${CMAKE_SOURCE_DIR}" position)
        if(position EQUAL 0)
          set(folder "$<BUILD_INTERFACE:${folder}>")
        endif()
        list(APPEND kept "${folder}")
      endforeach()
      set_target_properties(${target} PROPERTIES ${property} "${kept}")
    endif()
  endforeach()
endfunction()

function(leat_install_client)
  set(targets "")
  leat_link_closure(leat_client targets)
  foreach(target IN LISTS targets)
    leat_keep_folders_home(${target})
    string(REGEX REPLACE "^leat_" "" name "${target}")
    set_target_properties(${target} PROPERTIES EXPORT_NAME "${name}")
  endforeach()
  set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/leat")
  install(TARGETS ${targets} EXPORT leatTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT client
          INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT leatTargets NAMESPACE leat:: DESTINATION "${package_dir}" COMPONENT client)
  configure_package_config_file(cmake/leatConfig.cmake.in "${CMAKE_BINARY_DIR}/leatConfig.cmake"
                                INSTALL_DESTINATION "${package_dir}")
  write_basic_package_version_file("${CMAKE_BINARY_DIR}/leatConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_BINARY_DIR}/leatConfig.cmake" "${CMAKE_BINARY_DIR}/leatConfigVersion.cmake"
          DESTINATION "${package_dir}" COMPONENT client)
endfunction()

# A module without sources is an INTERFACE library: then there is no client to install.
if(TARGET leat_client)
  get_target_property(leat_client_type leat_client TYPE)
  if(leat_client_type STREQUAL "STATIC_LIBRARY")
    leat_install_client()
  endif()
endif()
