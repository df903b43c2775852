// Decoding and encoding of PNG in memory.
#pragma once
