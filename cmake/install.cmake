# Where everything goes: `cmake --install`. Paths of systemd are Debian's, below the prefix.
set(LVSD_UNIT_DIR lib/systemd/system CACHE STRING "Directory of systemd units")
set(LVSD_SYSUSERS_DIR lib/sysusers.d CACHE STRING "Directory of sysusers files")

install(TARGETS lvsd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
configure_file(${PROJECT_SOURCE_DIR}/systemd/lvsd.service.in ${PROJECT_BINARY_DIR}/lvsd.service @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lvsd.service DESTINATION ${LVSD_UNIT_DIR})
install(FILES ${PROJECT_SOURCE_DIR}/systemd/lvsd.sysusers DESTINATION ${LVSD_SYSUSERS_DIR} RENAME lvsd.conf)

# The samples are documents; the configuration itself is the administrator's and is never overwritten.
install(FILES ${PROJECT_SOURCE_DIR}/etc/lvsd.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/etc/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(CODE "
  set(directory \"${CMAKE_INSTALL_FULL_SYSCONFDIR}\")
  if(NOT CMAKE_INSTALL_PREFIX STREQUAL \"${CMAKE_INSTALL_PREFIX}\")  # cmake --install --prefix: nothing outside it
    set(directory \"\${CMAKE_INSTALL_PREFIX}/etc\")
  endif()
  if(NOT EXISTS \"\$ENV{DESTDIR}\${directory}/lvsd.conf\")
    file(INSTALL \"${PROJECT_SOURCE_DIR}/etc/lvsd.conf\" DESTINATION \"\${directory}\"
      PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
  endif()
")
file(GLOB manuals ${PROJECT_SOURCE_DIR}/docs/man/*.[1-9])
foreach(manual ${manuals})
  get_filename_component(section ${manual} LAST_EXT)
  string(SUBSTRING ${section} 1 1 section)
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
