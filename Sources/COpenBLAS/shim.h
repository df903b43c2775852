// OpenBLAS's own header; the module map cannot name it, since its folder differs between distributions.
#include <cblas.h>
