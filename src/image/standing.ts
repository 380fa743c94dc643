/** What of an old tree stands where a new one is made: by the number of an old entry, or of the new one of its name. */
export const Standing = {
  /** Nothing stands under it; or a directory that goes too did. */
  gone: 0,
  /** It stands as it was noted. */
  intact: 1,
  /** A directory that stands, and whose metadata is to be set again. */
  touched: 2,
  /** A file that stands, and may have to make way for another. */
  namesake: 3,
  /** A file whose metadata is set after the switch. */
  altered: 4,
} as const;
