/** Loaded before lakepack by scripts/campaigns/memory.ts: writes the peak RSS of the process, in kiB, at its end. */
import { writeFileSync } from 'node:fs';
import process from 'node:process';

process.on('exit', () => writeFileSync(process.env.LAKEPACK_RSS_FILE, String(process.resourceUsage().maxRSS)));
