/** Reads back the ONNX files of tests/networks: nodes, attributes and weights, no more of the format. */

const text = new TextDecoder();

/** The fields of a protobuf message: number, and an integer, four bytes, or the bytes of what is nested. */
function* fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const number = key >>> 3;
    if ((key & 7) === 0) yield [number, varint()];
    else if ((key & 7) === 5) yield [number, view.getFloat32((at += 4) - 4, true)];
    else if ((key & 7) === 2) {
      const size = varint();
      yield [number, bytes.subarray(at, (at += size))];
    } else throw new Error(`wire type ${key & 7}`);
  }
}

function readAttribute(bytes) {
  let name = '';
  let value;
  const list = [];
  for (const [field, content] of fields(bytes)) {
    if (field === 1) name = text.decode(content);
    else if (field === 2 || field === 3) value = content;
    else if (field === 4) value = text.decode(content);
    else if (field === 8) list.push(content);
  }
  return [name, value ?? list];
}

function readNode(bytes) {
  const node = { op: '', inputs: [], outputs: [], attributes: {} };
  for (const [field, content] of fields(bytes)) {
    if (field === 1) node.inputs.push(text.decode(content));
    else if (field === 2) node.outputs.push(text.decode(content));
    else if (field === 4) node.op = text.decode(content);
    else if (field === 5) {
      const [name, value] = readAttribute(content);
      node.attributes[name] = value;
    }
  }
  return node;
}

function readTensor(bytes) {
  const tensor = { name: '', dims: [], data: new Float32Array() };
  for (const [field, content] of fields(bytes)) {
    if (field === 1) tensor.dims.push(content);
    else if (field === 8) tensor.name = text.decode(content);
    // A copy: the numbers in the file are not aligned. (The slice of a Buffer would be none.)
    else if (field === 9) tensor.data = new Float32Array(new Uint8Array(content).buffer);
  }
  return tensor;
}

/** @param {Uint8Array} bytes */
export function readOnnx(bytes) {
  const graph = { nodes: [], weights: new Map(), output: '' };
  const [, content] = [...fields(bytes)].find(([field]) => field === 7);
  for (const [field, part] of fields(content)) {
    if (field === 1) graph.nodes.push(readNode(part));
    else if (field === 5) {
      const tensor = readTensor(part);
      graph.weights.set(tensor.name, tensor);
    } else if (field === 12) {
      graph.output = text.decode([...fields(part)].find(([number]) => number === 1)[1]);
    }
  }
  return graph;
}
