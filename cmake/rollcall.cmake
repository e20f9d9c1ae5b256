# One call a folder: a library with the project's warnings, found as rollcall::<folder>, with _ for
# each slash, and a check that the folder includes only what it says it may.
include_guard()

option(ROLLCALL_WERROR "warnings are errors" OFF)

add_library(rollcall_warnings INTERFACE)
target_compile_options(rollcall_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  $<$<BOOL:${ROLLCALL_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-missing-field-initializers>)

# What `module` may include, its own folder and what those that it names may include.
function(rollcall_may_include module out)
  get_property(direct GLOBAL PROPERTY rollcall_includes_${module})
  set(all ${direct})
  foreach(other ${direct})
    rollcall_may_include(${other} further)
    list(APPEND all ${further})
  endforeach()
  list(REMOVE_DUPLICATES all)
  set(${out} ${all} PARENT_SCOPE)
endfunction()

# rollcall_includes(FOLDER TARGET MODULES…): building TARGET fails if a file directly in FOLDER
# includes one of a folder that is not among MODULES (like store/log), nor reached through them.
function(rollcall_includes folder target)
  string(REPLACE "/" "_" name ${folder})
  set_property(GLOBAL PROPERTY rollcall_includes_${name} "")
  foreach(module ${ARGN})
    string(REPLACE "/" "_" module ${module})
    set_property(GLOBAL APPEND PROPERTY rollcall_includes_${name} ${module})
  endforeach()
  rollcall_may_include(${name} may)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.h ${PROJECT_SOURCE_DIR}/${folder}/*.cc)
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/${name}.includes)
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DFOLDER=${folder} "-DMAY=${may}" -DSTAMP=${stamp}
            -P ${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake
    COMMENT "What ${folder} includes" VERBATIM)
  add_custom_target(${name}_includes DEPENDS ${stamp})
  add_dependencies(${target} ${name}_includes)
endfunction()

# rollcall_module(FOLDER [USES FOLDERS…] [SOURCES …] [LINKS …] [PRIVATE_LINKS …]): all sources in
# the folder itself and those named, as one library. USES are folders of ours, whose headers it may
# include; LINKS are libraries of others.
function(rollcall_module folder)
  cmake_parse_arguments(ARG "" "" "USES;SOURCES;EXCEPT;LINKS;PRIVATE_LINKS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cc)
  add_library(rollcall_${name} STATIC ${sources} ${ARG_SOURCES})
  add_library(rollcall::${name} ALIAS rollcall_${name})
  target_include_directories(rollcall_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  set(uses "")
  foreach(module ${ARG_USES})
    string(REPLACE "/" "_" module ${module})
    list(APPEND uses rollcall::${module})
  endforeach()
  target_link_libraries(rollcall_${name}
    PUBLIC ${uses} ${ARG_LINKS}
    PRIVATE rollcall_warnings ${ARG_PRIVATE_LINKS})
  rollcall_includes(${folder} rollcall_${name} ${ARG_USES})
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
