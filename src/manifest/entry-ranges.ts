/** Ranges of an entry's fields, for the builder and the reader alike; and what each type is called in a node. */
import type { Entry } from './entry.ts';

/** The numbers of docs/formats.md, by index. */
export const ENTRY_TYPES = ['file', 'directory', 'symlink', 'hardlink', 'char-device', 'block-device', 'fifo'] as const satisfies readonly Entry['type'][];

export const FORMAT_VERSION = 1;
export const NODE_KIND = { leaf: 1, interior: 2, chunkListLeaf: 3, chunkListInterior: 4 } as const;

export const MODE_MAX = 0o7777;
/** 2^32 - 1 is (uid_t) -1, which chown(2) takes for "leave it as it is". */
export const OWNER_ID_MAX = 2 ** 32 - 2;
export const NANOS_MAX = 999_999_999;
/** Of Linux: dev_t holds 32 bits of each (sysmacros.h). */
export const DEVICE_NUMBER_MAX = 2 ** 32 - 1;
/** XATTR_NAME_MAX of Linux, limits.h. */
export const XATTR_NAME_BYTES_MAX = 255;
