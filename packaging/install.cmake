# What `cmake --install` and the Debian package put where.
install(TARGETS afloat RUNTIME)
install(FILES README.md ARCHITECTURE.md docs/settings.md docs/purging.md docs/debugging.md TYPE DOC)
install(FILES LICENSE TYPE DOC RENAME copyright)
install(FILES docs/afloat.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/afloat)
install(FILES packaging/afloat.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
# Under /usr systemd looks in lib/, not in the multiarch folder; a unit names absolute paths.
configure_file(packaging/afloat.service.in afloat.service @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/afloat.service DESTINATION lib/systemd/system)
install(FILES packaging/afloat.yaml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/afloat)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the afloat authors <afloat@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "CDN edge that keeps a site answering when its backends do not")
set(CPACK_PACKAGE_DESCRIPTION "afloat sits in front of a web site, caches it, watches its backends and answers\nvisitors from its copies when the backends are slow, overloaded or dead.")
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
# What the symbols ask for is any 3.0; parked connections give back memory from 3.0.14 on only
# (src/tls/session.c).
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, libssl3 (>= 3.0.14), tzdata")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_LIST_DIR}/debian/conffiles ${CMAKE_CURRENT_LIST_DIR}/debian/postinst
    ${CMAKE_CURRENT_LIST_DIR}/debian/prerm ${CMAKE_CURRENT_LIST_DIR}/debian/postrm)
include(CPack)
