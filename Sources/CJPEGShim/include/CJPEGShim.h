// Decoding and encoding of JPEG in memory.
#pragma once
