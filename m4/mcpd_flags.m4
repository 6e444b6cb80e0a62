# Compiler and linker flags that are used only where they work.

# _MCPD_FLAG(KIND, IFELSE-MACRO, VARIABLE, FLAGS-VARIABLE, FLAG...)
# -Werror makes clang refuse what it would otherwise only grumble about.
AC_DEFUN([_MCPD_FLAG],
[AC_LANG_ASSERT([C])dnl
for mcpd_flag in m4_normalize([$5]); do
  AS_VAR_PUSHDEF([mcpd_cache], [mcpd_cv_$1_$mcpd_flag])dnl
  AC_CACHE_CHECK([whether the $1 takes $mcpd_flag], [mcpd_cache],
    [mcpd_save_CFLAGS=$CFLAGS mcpd_save_LDFLAGS=$LDFLAGS
     CFLAGS="$CFLAGS -Werror"
     AS_VAR_APPEND([$4], [" $mcpd_flag"])
     $2([AC_LANG_PROGRAM()],
       [AS_VAR_SET([mcpd_cache], [yes])], [AS_VAR_SET([mcpd_cache], [no])])
     CFLAGS=$mcpd_save_CFLAGS LDFLAGS=$mcpd_save_LDFLAGS])
  AS_VAR_IF([mcpd_cache], [yes], [AS_VAR_APPEND([$3], [" $mcpd_flag"])])
  AS_VAR_POPDEF([mcpd_cache])dnl
done])

# MCPD_CC_FLAG(VARIABLE, FLAG...)
# Appends each FLAG that the C compiler takes without a word to VARIABLE.
AC_DEFUN([MCPD_CC_FLAG], [_MCPD_FLAG([compiler], [AC_COMPILE_IFELSE], [$1], [CFLAGS], [$2])])

# MCPD_LD_FLAG(VARIABLE, FLAG...)
# The same for the linker (through the compiler).
AC_DEFUN([MCPD_LD_FLAG], [_MCPD_FLAG([linker], [AC_LINK_IFELSE], [$1], [LDFLAGS], [$2])])

# MCPD_PKG(VARIABLE-PREFIX, PKG-CONFIG MODULES, DEBIAN PACKAGE)
# A library that cannot be done without; the error names what to install.
AC_DEFUN([MCPD_PKG],
[PKG_CHECK_MODULES([$1], [$2], [],
  [AC_MSG_ERROR([$2 not found: on Debian and Ubuntu install the package "$3" (./bootstrap does)])])])
