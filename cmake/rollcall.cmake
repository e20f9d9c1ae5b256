# One call a folder: a library with the project's warnings, found as rollcall::<name>.
include_guard()

add_library(rollcall_warnings INTERFACE)
target_compile_options(rollcall_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wno-missing-field-initializers>)

function(rollcall_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(rollcall_${name} STATIC ${ARG_SOURCES})
  add_library(rollcall::${name} ALIAS rollcall_${name})
  target_include_directories(rollcall_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(rollcall_${name}
    PUBLIC ${ARG_DEPS}
    PRIVATE rollcall_warnings ${ARG_PRIVATE_DEPS})
endfunction()

# A library that the program loads when it first needs it (store/shared_library.h): only its headers
# are used here. MACRO becomes the file's name as the loader looks for it, libx.so.N.
function(rollcall_loads target library includes macro)
  get_filename_component(file "${library}" REALPATH)
  if(NOT file MATCHES "/([^/]+\\.so\\.[0-9]+)[^/]*$")
    message(FATAL_ERROR "${library} is no shared library with a version")
  endif()
  target_compile_definitions(${target} PRIVATE ${macro}="${CMAKE_MATCH_1}")
  target_include_directories(${target} SYSTEM PRIVATE ${includes})
endfunction()
