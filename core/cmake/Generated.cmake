# SPDX-License-Identifier: Apache-2.0
# Completions and manual pages, written by the binary that was just built, to where shells and man
# look for them.
set(completions ${CMAKE_BINARY_DIR}/completions)
file(MAKE_DIRECTORY ${completions})
add_custom_command(TARGET wavegate POST_BUILD
    COMMAND wavegate completion bash > ${completions}/wavegate
    COMMAND wavegate completion zsh > ${completions}/_wavegate
    COMMAND wavegate completion fish > ${completions}/wavegate.fish
    COMMAND wavegate help --man ${CMAKE_BINARY_DIR}/man
    COMMENT "Writing completions and manual pages")
install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${completions}/wavegate DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${completions}/_wavegate DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${completions}/wavegate.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
