// A module hook that puts a library in place of src/index.ts whose only operation never ends by itself.
const SOURCE = `
  export const listLake = ({ signal }) => new Promise((resolve, reject) => {
    const timer = setInterval(() => {}, 1000);
    signal.addEventListener('abort', () => {
      process.stdout.write('told to stop');
      if (process.env.STUCK === 'is deaf') return;
      clearInterval(timer);
      reject(new Error('stopped'));
    });
    process.stdout.write('at work');
  });`;

export async function load(url, context, next) {
  if (!/\/src\/index\.(ts|js)$/.test(url)) return next(url, context);
  return { format: 'module', shortCircuit: true, source: SOURCE };
}
