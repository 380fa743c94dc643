/** Which layers a setting such as `prefetch: ["base/*"]` means: whole names, or beginnings of names that end in `*`. */
export function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}
