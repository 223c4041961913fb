# SPDX-License-Identifier: Apache-2.0

# wavegate_area(<name> SOURCES <files> USES <targets>): the static library wg_<name> of core/<name>/.
function(wavegate_area name)
    cmake_parse_arguments(area "" "" "SOURCES;USES" ${ARGN})
    add_library(wg_${name} STATIC ${area_SOURCES})
    target_include_directories(wg_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core)
    target_link_libraries(wg_${name} PUBLIC ${area_USES})
endfunction()

# wavegate_unit_test(<area> <thing> [SOURCES <more files>] [USES <targets>]):
# tests/unit/<area>/test_<thing>.c as the ctest "unit.<area>.<thing>".
function(wavegate_unit_test area thing)
    cmake_parse_arguments(test "" "" "SOURCES;USES" ${ARGN})
    set(target test_${area}_${thing})
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/unit/${area}/test_${thing}.c
                   ${test_SOURCES})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${target} PRIVATE wg_${area} ${test_USES} wavegate::cmocka)
    add_test(NAME unit.${area}.${thing} COMMAND ${target}
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(unit.${area}.${thing} PROPERTIES TIMEOUT 120)
endfunction()

# wavegate_fuzz(<thing> <areas...>): tests/fuzz/fuzz_<thing>.c, seeds in tests/fuzz/seeds/<thing>/.
function(wavegate_fuzz thing)
    add_executable(fuzz_${thing} ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_${thing}.c)
    target_link_libraries(fuzz_${thing} PRIVATE ${ARGN})
    target_link_options(fuzz_${thing} PRIVATE -fsanitize=fuzzer)
endfunction()
