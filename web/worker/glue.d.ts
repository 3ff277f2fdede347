/** Emscripten's factories, resolved by the build. */
declare module 'glue-codec' {
  const factory: import('./core.js').Factory;
  export default factory;
}
declare module 'glue-relaxed' {
  const factory: import('./core.js').Factory;
  export default factory;
}
declare module 'glue-simd' {
  const factory: import('./core.js').Factory;
  export default factory;
}
