# Several files of a target are compiled as one. Almost all the time of a file goes into the headers it includes, so a
# build from nothing takes a fraction of the time. -DLEAT_UNITY=OFF compiles each file by itself.
#
# CMake's own UNITY_BUILD names the files by absolute paths: a compiler cache would not find in one checkout what another one
# has compiled.
option(LEAT_UNITY "Compile the files of a target in groups" ON)

# About so many files share a compiler.
set(LEAT_UNITY_FILES 8)

include(unity_alone)

# leat_unity(<target>): puts groups in the place of the target's sources; to be called when it has them all. Generated sources
# stay as they are: they are few and large.
function(leat_unity target)
  if(NOT LEAT_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  set(kept "")
  set(grouped "")
  foreach(source IN LISTS sources)
    get_filename_component(path "${source}" ABSOLUTE)
    file(RELATIVE_PATH path "${CMAKE_SOURCE_DIR}" "${path}")
    if(NOT path MATCHES "^(src|tests|tools)/.*\\.cc$" OR path IN_LIST LEAT_UNITY_ALONE)
      list(APPEND kept "${source}")
    else()
      list(APPEND grouped "${path}")
    endif()
  endforeach()
  # A file's group follows from its name, and the number of groups is a power of two: a file that is added or removed changes
  # its own group only, so that a compiler cache keeps the others.
  list(LENGTH grouped count)
  set(groups 1)
  math(EXPR enough "${count} / ${LEAT_UNITY_FILES}")
  while(groups LESS enough)
    math(EXPR groups "${groups} * 2")
  endwhile()
  set(folder "${CMAKE_BINARY_DIR}/unity")
  file(RELATIVE_PATH root "${folder}" "${CMAKE_SOURCE_DIR}")
  math(EXPR last "${groups} - 1")
  foreach(path IN LISTS grouped)
    get_filename_component(name "${path}" NAME)
    string(SHA1 digest "${name}")
    string(SUBSTRING "${digest}" 0 4 digits)
    math(EXPR group "0x${digits} & ${last}")
    string(APPEND text_${group} "#include \"${root}${path}\"\n")
  endforeach()
  foreach(group RANGE ${last})
    if(DEFINED text_${group})
      file(CONFIGURE OUTPUT "${folder}/${target}_${group}.cc" CONTENT "${text_${group}}" @ONLY)
      list(APPEND kept "${folder}/${target}_${group}.cc")
    endif()
  endforeach()
  set_property(TARGET ${target} PROPERTY SOURCES ${kept})
  # gcc takes a class with a member from an anonymous namespace for a header's when it is in an included file.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()
