/** A signal that much work at once listens to. Node warns of a leak at the eleventh listener; here they are wanted. */
import { setMaxListeners } from 'node:events';

export function sharedSignal(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}
