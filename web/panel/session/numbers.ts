/**
 * Phone numbers, as far as a page alone may judge them. The server does this properly; here we only need to know
 * whether a pop by number makes sense, and a number to dial while the server is away.
 */

/** The caller's number as the CRM may know it, or null when there is nothing to search for. */
export function searchable(address: string | undefined): string | null {
  if (!address) return null;
  const bare = address.replace(/^sips?:/i, "").replace(/@.*$/, "");
  const digits = bare.replace(/\D/g, "");
  if (digits.length < 5 || digits.length > 15 || !/^[+\d\s().-]+$/.test(bare)) return null;
  return bare.startsWith("+") ? `+${digits}` : digits;
}

const NANP = new Set(["US", "CA"]);

/**
 * A number a softphone can dial without asking the server: one that carries its country code, or ten digits where
 * `region` is in the North American plan. Null where guessing would dial a stranger.
 */
export function dialable(number: string, region: string): string | null {
  const bare = number
    .trim()
    .replace(/^tel:/i, "")
    .replace(/(?:;|,|\b(?:ext|x)\b).*$/i, "")
    .trim();
  if (!/^\+?[\d\s()./-]+$/.test(bare)) return null;
  const digits = bare.replace(/\D/g, "");
  if (bare.startsWith("+")) return digits.length >= 7 && digits.length <= 15 ? `+${digits}` : null;
  if (!NANP.has(region)) return null;
  if (/^[2-9]\d{2}[2-9]\d{6}$/.test(digits)) return `+1${digits}`;
  return /^1[2-9]\d{2}[2-9]\d{6}$/.test(digits) ? `+${digits}` : null;
}
