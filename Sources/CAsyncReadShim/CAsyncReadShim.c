// All of it is inlined into its callers; see the header.
#include "CAsyncReadShim.h"
