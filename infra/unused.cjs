/** Stands for the packages that the Slack door in the cloud is built without: whoever uses one of them is told so. */
const refuse = () => {
  throw new Error('this package was left out of the bundle');
};

module.exports = new Proxy(refuse, { get: (_target, name) => (name === '__esModule' ? false : refuse) });
