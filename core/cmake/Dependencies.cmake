# SPDX-License-Identifier: Apache-2.0
# Libraries from the system's packages, as targets wavegate::<name>. All missing ones are named at once.
find_package(PkgConfig REQUIRED)
set(missing "")

# wavegate_dependency(<name> <debian package> <header> <libraries...>)
function(wavegate_dependency name package header)
    unset(WG_INCLUDE CACHE)
    find_path(WG_INCLUDE ${header} PATH_SUFFIXES lua5.4 lua-5.4)
    set(found TRUE)
    set(libraries "")
    foreach(library ${ARGN})
        unset(WG_LIBRARY CACHE)
        find_library(WG_LIBRARY NAMES ${library})
        if(NOT WG_LIBRARY)
            set(found FALSE)
        endif()
        list(APPEND libraries ${WG_LIBRARY})
    endforeach()
    if(NOT WG_INCLUDE OR NOT found)
        set(missing "${missing} ${package}" PARENT_SCOPE)
        return()
    endif()
    add_library(wavegate_${name} INTERFACE)
    add_library(wavegate::${name} ALIAS wavegate_${name})
    target_include_directories(wavegate_${name} SYSTEM INTERFACE ${WG_INCLUDE})
    target_link_libraries(wavegate_${name} INTERFACE ${libraries})
endfunction()

wavegate_dependency(lua liblua5.4-dev lua.h lua5.4)
wavegate_dependency(uv libuv1-dev uv.h uv)
wavegate_dependency(llhttp libllhttp-dev llhttp.h llhttp)
wavegate_dependency(mbedtls libmbedtls-dev mbedtls/ssl.h mbedtls mbedx509 mbedcrypto)
wavegate_dependency(sodium libsodium-dev sodium.h sodium)
wavegate_dependency(jansson libjansson-dev jansson.h jansson)
wavegate_dependency(sqlite libsqlite3-dev sqlite3.h sqlite3)
if(WAVEGATE_TESTS)
    wavegate_dependency(cmocka libcmocka-dev cmocka.h cmocka)
endif()
find_package(Threads REQUIRED)

if(missing)
    message(FATAL_ERROR "Missing Debian packages:${missing}\n"
        "Install them with: .ci/install-packages test\n"
        "(on Debian 13 plain 'apt-get install' has them all; on Debian 12 llhttp and mbedTLS 3.6 "
        "come from Debian 13, which that script arranges)")
endif()

include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES wavegate::mbedtls)
check_c_source_compiles("#include <mbedtls/build_info.h>
#if MBEDTLS_VERSION_NUMBER < 0x03060000
#error too old
#endif
int main(void) { return 0; }" WAVEGATE_HAS_MBEDTLS_3_6)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT WAVEGATE_HAS_MBEDTLS_3_6)
    message(FATAL_ERROR "libmbedtls-dev is older than 3.6, which has ended. "
        "Debian 13 has 3.6; on Debian 12 run: .ci/install-packages build")
endif()
