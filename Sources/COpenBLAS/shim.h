// OpenBLAS's own header, and the LAPACK routines inside libopenblas that Debian declares only in another package.
#include <cblas.h>

// LU factorisation with partial pivoting of a column-major matrix; pivots are 1-based; info > 0: singular.
void sgetrf_(const blasint *m, const blasint *n, float *a, const blasint *lda, blasint *pivots, blasint *info);
void dgetrf_(const blasint *m, const blasint *n, double *a, const blasint *lda, blasint *pivots, blasint *info);
// Inverse from that factorisation; a workspace of *lwork elements.
void sgetri_(const blasint *n, float *a, const blasint *lda, const blasint *pivots, float *work, const blasint *lwork,
             blasint *info);
void dgetri_(const blasint *n, double *a, const blasint *lda, const blasint *pivots, double *work,
             const blasint *lwork, blasint *info);
