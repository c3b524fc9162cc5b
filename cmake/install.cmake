# Where everything goes: `cmake --install`. Paths of systemd are Debian's, below the prefix.
set(LVSD_UNIT_DIR lib/systemd/system CACHE STRING "Directory of systemd units")
set(LVSD_SYSUSERS_DIR lib/sysusers.d CACHE STRING "Directory of sysusers files")

install(TARGETS lvsd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
# Made at installation, because `cmake --install --prefix` may name another place than the build did.
install(CODE "
  set(LVSD_SBINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
  set(LVSD_BINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
  configure_file(\"${PROJECT_SOURCE_DIR}/systemd/lvsd.service.in\" \"${PROJECT_BINARY_DIR}/lvsd.service\" @ONLY)
")
install(FILES ${PROJECT_BINARY_DIR}/lvsd.service DESTINATION ${LVSD_UNIT_DIR})
install(FILES ${PROJECT_SOURCE_DIR}/systemd/lvsd.sysusers DESTINATION ${LVSD_SYSUSERS_DIR} RENAME lvsd.conf)

# The samples are documents. /etc/lvsd.conf is the administrator's: lvsd does not start without one, and a sample's addresses
# are nobody's.
install(FILES ${PROJECT_SOURCE_DIR}/etc/lvsd.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/etc/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/lvsd.8 ${PROJECT_SOURCE_DIR}/docs/man/lvsctl.8
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/lvsd.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
