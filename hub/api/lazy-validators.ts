/**
 * Schemas of routes are compiled when the first request needs them, as Fastify would compile them at the start: all at once they keep the
 * JavaScript thread for a tenth of a second, in which a hub that comes back takes up nothing.
 */
import { AjvCompiler, type BuildCompilerFromPool } from '@fastify/ajv-compiler';

type Validate = ReturnType<ReturnType<BuildCompilerFromPool>>;

/** For Fastify's option `schemaController`. A schema that cannot be compiled fails the requests of its route. */
export function lazyValidators(): { compilersFactory: { buildValidator: BuildCompilerFromPool } } {
  const build = AjvCompiler();
  const buildValidator: BuildCompilerFromPool = (...of) => {
    const compile = once(() => build(...of));
    return (route) => {
      const compiled = once(() => compile()(route));
      // Fastify calls it, and reads the errors of the last call.
      const validate = ((data) => {
        const isValid = compiled()(data);
        validate.errors = compiled().errors ?? null;
        return isValid;
      }) as Validate;
      return validate;
    };
  };
  return { compilersFactory: { buildValidator } };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
