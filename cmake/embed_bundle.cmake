# Writes the bundle's texts as C++ raw strings, in pieces below the compiler's limit for one literal.
file(READ ${SCRIPT} script)
file(READ ${README} readme)
file(WRITE ${OUT} "#include \"replay/bundle.h\"\n\nnamespace rollcall::replay {\n\n"
  "std::string_view bundle_script() { return R\"--rc--(${script})--rc--\"; }\n\n"
  "std::string_view bundle_readme() { return R\"--rc--(${readme})--rc--\"; }\n\n}  // namespace rollcall::replay\n")
